import { Injectable } from '@nestjs/common';
import { DatabaseService } from '../database/database.service';
import type { RecurringJob } from './job';
import { LEASE_SECONDS } from './job-store.service';

const FORGOTTEN_DAYS = 30;

/** When a schedule runs next, and how it went. */
export interface Schedule {
  readonly name: string;
  readonly everySeconds: number;
  readonly nextRunAt: Date;
  readonly lastRunAt: Date | null;
  /** The newest error, also when it has run well since. */
  readonly lastError: string | null;
  readonly lastErrorAt: Date | null;
  /** In a row, up to now. */
  readonly failures: number;
  readonly running: boolean;
}

/** A run in the hands of this process. */
export interface ScheduleRun {
  readonly name: string;
  readonly claim: string;
}

/** One row per schedule: who claims it runs it. The clock is PostgreSQL's. */
@Injectable()
export class ScheduleStore {
  constructor(private readonly database: DatabaseService) {}

  /** A new schedule runs first after its interval. A shorter interval than before counts from now. */
  async ensure(jobs: readonly RecurringJob[]): Promise<void> {
    await this.database.query(
      `INSERT INTO job_schedules AS old (name, every_seconds, next_run_at)
       SELECT name, every_seconds, now() + make_interval(secs => every_seconds)
         FROM unnest($1::text[], $2::integer[]) AS given (name, every_seconds) ORDER BY name
       ON CONFLICT (name) DO UPDATE SET every_seconds = EXCLUDED.every_seconds,
          next_run_at = least(old.next_run_at, EXCLUDED.next_run_at)`,
      [jobs.map(({ name }) => name), jobs.map(({ everySeconds }) => everySeconds)],
    );
  }

  /** Takes what is due, or with `early` what is not, unless it runs somewhere. */
  claim(names: readonly string[], early = false): Promise<ScheduleRun[]> {
    return this.database.query<ScheduleRun>(
      `UPDATE job_schedules
          SET claim = gen_random_uuid(), locked_until = now() + make_interval(secs => $2), last_run_at = now()
        WHERE name IN (
          SELECT name FROM job_schedules
           WHERE name = ANY ($1) AND ($3 OR next_run_at <= now()) AND (claim IS NULL OR locked_until <= now())
             FOR UPDATE SKIP LOCKED)
        RETURNING name, claim`,
      [names, LEASE_SECONDS, early],
    );
  }

  /** Until one of `names` may run, in seconds; negative when it may now, `undefined` when there is none. */
  async secondsToNext(names: readonly string[]): Promise<number | undefined> {
    const [next] = await this.database.query<{ seconds: number | null }>(
      `SELECT extract(epoch FROM min(greatest(next_run_at, locked_until)) - now())::float8 AS seconds
         FROM job_schedules WHERE name = ANY ($1)`,
      [names],
    );
    return next?.seconds ?? undefined;
  }

  async renew(claims: readonly string[]): Promise<void> {
    await this.database.query(
      `UPDATE job_schedules SET locked_until = now() + make_interval(secs => $2) WHERE claim = ANY ($1::uuid[])`,
      [claims, LEASE_SECONDS],
    );
  }

  /** The next run is one interval after the end of this one. */
  async finish({ name, claim }: ScheduleRun, error: string | undefined): Promise<void> {
    await this.database.query(
      `UPDATE job_schedules SET claim = NULL, locked_until = NULL,
              next_run_at = now() + make_interval(secs => every_seconds),
              failures = CASE WHEN $3::text IS NULL THEN 0 ELSE failures + 1 END,
              last_error = coalesce($3, last_error),
              last_error_at = CASE WHEN $3 IS NULL THEN last_error_at ELSE now() END
        WHERE name = $1 AND claim = $2`,
      [name, claim, error ?? null],
    );
  }

  /** Gives back runs that this process will not finish. They are due at once. */
  async release(claims: readonly string[]): Promise<void> {
    await this.database.query(
      'UPDATE job_schedules SET claim = NULL, locked_until = NULL, next_run_at = now() WHERE claim = ANY ($1::uuid[])',
      [claims],
    );
  }

  list(): Promise<Schedule[]> {
    return this.database.query<Schedule>(
      `SELECT name, every_seconds AS "everySeconds", next_run_at AS "nextRunAt", last_run_at AS "lastRunAt",
              last_error AS "lastError", last_error_at AS "lastErrorAt", failures,
              claim IS NOT NULL AND locked_until > now() AS running
         FROM job_schedules ORDER BY name`,
    );
  }

  /**
   * Forgets schedules that nobody has run for a month. Not at once: a process whose configuration leaves a schedule
   * out, or an older version, must not take it from the others.
   */
  async prune(): Promise<void> {
    await this.database.query('DELETE FROM job_schedules WHERE next_run_at < now() - make_interval(days => $1)', [
      FORGOTTEN_DAYS,
    ]);
  }
}
