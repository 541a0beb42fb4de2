import { Injectable } from '@nestjs/common';
import { NotFoundError } from '../common/billing-error';
import { DatabaseService } from '../database/database.service';
import { JOB_MOVES, JOB_STATES, type JobState } from './job';
import { JobHandlerMissingError, JobNotDeadError } from './job-error';
import { JobRegistry } from './job-registry';
import { JOBS_CHANNEL } from './job-store.service';
import { type Schedule, ScheduleStore } from './schedule-store.service';

/** A job as the operator sees it. */
export interface ListedJob {
  readonly id: string;
  /** Grows with every job: the cursor of the list. */
  readonly seq: bigint;
  readonly name: string;
  readonly payload: unknown;
  readonly state: JobState;
  /** Begun. */
  readonly attempts: number;
  /** When it is due; of a running one, when its lease ends. */
  readonly runAt: Date;
  readonly lastError: string | null;
  readonly createdAt: Date;
  readonly finishedAt: Date | null;
}

export interface JobFilter {
  readonly state?: JobState | undefined;
  readonly name?: string | undefined;
  /** The `seq` of the last job of the page before. */
  readonly before?: bigint | undefined;
}

/** What the operator sees of jobs, and may do with those that are dead. */
@Injectable()
export class JobListService {
  constructor(
    private readonly database: DatabaseService,
    private readonly schedulesStore: ScheduleStore,
    private readonly registry: JobRegistry,
  ) {}

  /** The newest first. */
  list({ state, name, before }: JobFilter, limit: number): Promise<ListedJob[]> {
    return this.database.query<ListedJob>(
      `SELECT ${LISTED} FROM jobs
        WHERE ${stateIs(state)} AND ($1::text IS NULL OR name = $1) AND ($2::bigint IS NULL OR seq < $2)
        ORDER BY seq DESC LIMIT $3`,
      [name ?? null, before ?? null, limit],
    );
  }

  schedules(): Promise<Schedule[]> {
    return this.schedulesStore.list();
  }

  /**
   * Lets a dead job run again at once, with all its attempts.
   * @throws NotFoundError `job_not_found`, JobNotDeadError, JobHandlerMissingError
   */
  async retry(id: string): Promise<ListedJob> {
    const job = await this.get(id);
    if (job.state === 'dead' && !this.registry.handlerNames.includes(job.name)) {
      throw new JobHandlerMissingError(id, job.name);
    }
    const [retried] = await this.revive('id = $4', id);
    if (!retried) throw new JobNotDeadError(id, (await this.get(id)).state);
    return retried;
  }

  /** Lets every dead job run again that this version knows. @returns them. */
  retryAll(): Promise<ListedJob[]> {
    return this.revive('name = ANY ($4)', this.registry.handlerNames);
  }

  /** Gives up every job of a name that nobody works on: it becomes dead, and may be retried. @returns them. */
  discard(name: string): Promise<ListedJob[]> {
    const { from, to } = JOB_MOVES.discarded;
    return this.database.query<ListedJob>(
      `UPDATE jobs SET state = $2, finished_at = now(), claim = NULL, last_error = $3
        WHERE name = $1 AND finished_at IS NULL AND state = ANY ($4) AND (claim IS NULL OR run_at <= now()) RETURNING ${LISTED}`,
      [name, to, 'Discarded by the operator.', from],
    );
  }

  /** @throws NotFoundError `job_not_found` */
  private async get(id: string): Promise<ListedJob> {
    const [job] = await this.database.query<ListedJob>(`SELECT ${LISTED} FROM jobs WHERE id = $1`, [id]);
    if (!job) throw new NotFoundError({ what: 'job', id });
    return job;
  }

  private revive(which: string, parameter: unknown): Promise<ListedJob[]> {
    const { from, to } = JOB_MOVES.retried;
    return this.database.query<ListedJob>(
      `WITH revived AS (
         UPDATE jobs SET state = $1, attempts = 0, run_at = now(), finished_at = NULL
          WHERE state = ANY ($2) AND ${which} RETURNING *),
       told AS (SELECT pg_notify($3, '') FROM revived LIMIT 1)
       SELECT ${LISTED} FROM revived LEFT JOIN told ON true ORDER BY seq DESC`,
      [to, from, JOBS_CHANNEL, parameter],
    );
  }
}

const LISTED = `id, seq, name, payload, state, attempts, run_at AS "runAt", last_error AS "lastError",
                created_at AS "createdAt", finished_at AS "finishedAt"`;

/** As constants, so that the planner sees which partial index serves it. */
function stateIs(state: JobState | undefined): string {
  if (state === undefined || !JOB_STATES.includes(state)) return 'true';
  return state === 'done' || state === 'dead' ? `state = '${state}'` : `state = '${state}' AND finished_at IS NULL`;
}
