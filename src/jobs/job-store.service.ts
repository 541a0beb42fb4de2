import { Injectable } from '@nestjs/common';
import { DatabaseService } from '../database/database.service';
import type { Tx } from '../database/tx';
import { assertJobId, type ClaimedJob, JOB_MOVES, type JobWrites, type NewJob } from './job';
import { LostJobError } from './job-error';

/** Whoever waits for jobs listens here. */
export const JOBS_CHANNEL = 'tollbridge_jobs';
/** How long a job outlives its process before another one takes it over. */
export const LEASE_SECONDS = 15;
/** What Redis has not brought by then is sent again: it may have been flushed. */
const RESEND_SECONDS = 15;
const KEPT_DAYS = 7;
const PRUNED_AT_ONCE = 10_000;

/**
 * The rows of the outbox, and the only clock that counts: PostgreSQL's. Due is what is not finished and whose `run_at`
 * has passed, in whatever state: a lease that ran out is no different from a job that has waited long enough.
 */
@Injectable()
export class JobStore {
  constructor(private readonly database: DatabaseService) {}

  /**
   * In the transaction that makes it necessary; its commit wakes whoever waits. One that is there is looked for first:
   * a conflict would wait for whoever finishes it, who may wait for what is locked here.
   */
  async insert(tx: Tx, { id, name, payload, afterSeconds = 0 }: NewJob): Promise<void> {
    assertJobId(id);
    await tx.query(
      `WITH fresh AS (
         INSERT INTO jobs (id, name, payload, run_at) SELECT $1, $2, $3::jsonb, now() + make_interval(secs => $4)
          WHERE NOT EXISTS (SELECT FROM jobs WHERE id = $1)
         ON CONFLICT (id) DO NOTHING RETURNING id)
       SELECT pg_notify('${JOBS_CHANNEL}', '') FROM fresh`,
      [id, name, JSON.stringify(payload), afterSeconds],
    );
  }

  /** Takes up to `limit` due jobs, those that waited longest first; what another process takes meanwhile is left out. */
  claimDue(names: readonly string[], limit: number): Promise<ClaimedJob[]> {
    return this.database.query<ClaimedJob>(
      `UPDATE jobs SET ${CLAIMED} WHERE id = ANY (${DUE}) RETURNING ${AS_CLAIMED}`,
      [names, limit, LEASE_SECONDS, JOB_MOVES.claimed.to],
    );
  }

  /** Takes the job that Redis brought. `undefined` when it is done, running elsewhere, or not due: it came twice. */
  async claim(id: string, names: readonly string[]): Promise<ClaimedJob | undefined> {
    const [job] = await this.database.query<ClaimedJob>(
      `UPDATE jobs SET ${CLAIMED}
        WHERE id = $2 AND name = ANY ($1) AND finished_at IS NULL AND (state = 'queued' OR run_at <= now())
        RETURNING ${AS_CLAIMED}`,
      [names, id, LEASE_SECONDS, JOB_MOVES.claimed.to],
    );
    return job;
  }

  /** Marks up to `limit` due jobs as handed to Redis. `again`: they had been, and nothing came of it. */
  send(names: readonly string[], limit: number): Promise<{ id: string; attempt: number; again: boolean }[]> {
    return this.database.query(
      `UPDATE jobs SET state = $4, run_at = now() + make_interval(secs => $3), claim = NULL
         FROM (SELECT id AS due_id, state AS was FROM jobs WHERE id = ANY (${DUE})) AS due
        WHERE id = due_id RETURNING id, attempts + 1 AS attempt, was = 'queued' AS again`,
      [names, limit, RESEND_SECONDS, JOB_MOVES.sent.to],
    );
  }

  /** Until something is due, in seconds; negative when it is, and `undefined` when there is nothing. */
  async secondsToNext(): Promise<number | undefined> {
    const [next] = await this.database.query<{ seconds: number | null }>(
      'SELECT extract(epoch FROM min(run_at) - now())::float8 AS seconds FROM jobs WHERE finished_at IS NULL',
    );
    return next?.seconds ?? undefined;
  }

  /** Prolongs leases. @returns the claims that still hold. */
  async renew(claims: readonly string[]): Promise<string[]> {
    // One that is being finished is locked, for as long as its writes wait for others: the rest must not wait for it.
    await this.database.query(
      `UPDATE jobs SET run_at = now() + make_interval(secs => $2)
        WHERE id IN (SELECT id FROM jobs WHERE claim = ANY ($1::uuid[]) FOR UPDATE SKIP LOCKED)`,
      [claims, LEASE_SECONDS],
    );
    const rows = await this.database.query<{ claim: string }>('SELECT claim FROM jobs WHERE claim = ANY ($1::uuid[])', [
      claims,
    ]);
    return rows.map(({ claim }) => claim);
  }

  /** Makes the job done and writes what it left to write, both or neither. @throws LostJobError */
  async finish({ id, claim }: ClaimedJob, writes: JobWrites | undefined): Promise<void> {
    await this.database.transaction(async (tx) => {
      const mine = await tx.query(
        `UPDATE jobs SET state = $3, finished_at = now(), claim = NULL
          WHERE id = $1 AND claim = $2 AND state = ANY ($4) RETURNING 1`,
        [id, claim, JOB_MOVES.finished.to, JOB_MOVES.finished.from],
      );
      if (mine.length === 0) throw new LostJobError(id);
      await writes?.(tx);
    });
  }

  /**
   * Keeps the error. The job waits for its next attempt, or is dead when `waitSeconds` is `undefined`.
   * @returns false when the claim holds no more: the job is done (its commit was lost on the way back), or taken over.
   */
  async fail({ id, claim }: ClaimedJob, error: string, waitSeconds: number | undefined): Promise<boolean> {
    const move = waitSeconds === undefined ? JOB_MOVES.gave_up : JOB_MOVES.failed;
    const mine = await this.database.query(
      `UPDATE jobs SET state = $3, last_error = $5, claim = NULL, run_at = now() + make_interval(secs => $6),
              finished_at = CASE WHEN $3 = 'dead' THEN now() END
        WHERE id = $1 AND claim = $2 AND state = ANY ($4) RETURNING 1`,
      [id, claim, move.to, move.from, error, waitSeconds ?? 0],
    );
    return mine.length > 0;
  }

  /** What waits runs now, with all its tries. One that somebody has in his hands is left alone, and not waited for. */
  async hasten(tx: Tx, id: string): Promise<void> {
    const { from, to } = JOB_MOVES.hastened;
    await tx.query(
      `WITH hastened AS (
         UPDATE jobs SET state = $2, attempts = 0, run_at = now()
          WHERE id = (SELECT id FROM jobs WHERE id = $1 AND state = ANY ($3) FOR UPDATE SKIP LOCKED) RETURNING id)
       SELECT pg_notify('${JOBS_CHANNEL}', '') FROM hastened`,
      [id, to, from],
    );
  }

  /** Gives jobs back that this process will not finish: whoever is awake takes them at once. */
  async release(claims: readonly string[]): Promise<void> {
    const { from, to } = JOB_MOVES.released;
    await this.database.query(
      `WITH released AS (
         UPDATE jobs SET state = $2, claim = NULL, run_at = now()
          WHERE claim = ANY ($1::uuid[]) AND state = ANY ($3) RETURNING id)
       SELECT pg_notify('${JOBS_CHANNEL}', '') FROM released`,
      [claims, to, from],
    );
  }

  /** Names of unfinished jobs that are not among `names`. */
  async orphans(names: readonly string[]): Promise<{ name: string; count: number }[]> {
    return this.database.query(
      `SELECT name, count(*)::integer AS count FROM jobs WHERE finished_at IS NULL AND name <> ALL ($1)
        GROUP BY name ORDER BY name`,
      [names],
    );
  }

  /** Forgets what was done a week ago. What is dead stays until somebody has seen to it. */
  async prune(): Promise<void> {
    for (;;) {
      const gone = await this.database.query(
        `DELETE FROM jobs WHERE id IN (
           SELECT id FROM jobs WHERE state = 'done' AND finished_at < now() - make_interval(days => $1) LIMIT $2)
         RETURNING 1`,
        [KEPT_DAYS, PRUNED_AT_ONCE],
      );
      if (gone.length < PRUNED_AT_ONCE) return;
    }
  }
}

/**
 * $1: names that this build has; $2: how many. The rows are locked, so that nobody else finds them. An array, because
 * it is made once: a plan may run a subquery of `IN` again for every row, and each time find further jobs.
 */
const DUE = `ARRAY(SELECT id FROM jobs WHERE finished_at IS NULL AND run_at <= now() AND name = ANY ($1)
                    ORDER BY run_at LIMIT $2 FOR UPDATE SKIP LOCKED)`;
const CLAIMED = `state = $4, attempts = attempts + 1, claim = gen_random_uuid(),
                 run_at = now() + make_interval(secs => $3)`;
const AS_CLAIMED = 'id, name, payload, attempts AS attempt, claim';
