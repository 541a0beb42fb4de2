import type { Tx } from '../database/tx';

/** Work that a transaction made necessary, as whoever enqueues it says it. */
export interface NewJob {
  /** Which handler. */
  readonly name: string;
  /** Deterministic, such as `stripe-fee:pi_1`: while its row is kept, the same id is the same job. */
  readonly id: string;
  /** JSON; money as decimal strings. */
  readonly payload: unknown;
  /** How long it waits first, in seconds; not at all when left out. */
  readonly afterSeconds?: number;
}

/** A job as its handler sees it. */
export interface Job<Payload = unknown> {
  readonly id: string;
  readonly name: string;
  readonly payload: Payload;
  /** 1 for the first one. */
  readonly attempt: number;
}

/** What is left to be written; runs in the transaction that makes the job done. It must have no other effects. */
export type JobWrites = (tx: Tx) => Promise<unknown>;

/** Does the jobs of one name. */
export interface JobHandler<Payload = unknown> {
  readonly name: string;
  /** After so many failures the job is dead. */
  readonly attempts?: number;
  /**
   * Does everything that is outside of the database, and returns what is to be written. What happens in here happens
   * at least once, and must be idempotent; what is returned happens exactly once. Whatever it throws is kept as the
   * job's last error, and the job runs again later; HopelessJobError says that this would change nothing.
   */
  run(job: Job<Payload>): Promise<JobWrites | void>;
}

/** Work that repeats: a sweep, a reconciliation. It must be idempotent: a crash may run it again. */
export interface RecurringJob {
  readonly name: string;
  readonly everySeconds: number;
  run(): Promise<void>;
}

/** A job in the hands of this process. */
export interface ClaimedJob extends Job {
  /** Whoever takes the job over gets another one. */
  readonly claim: string;
}

export const JOB_STATES = ['waiting', 'queued', 'running', 'done', 'dead'] as const;
/** `queued`: handed to Redis. `dead`: every attempt failed; only the operator brings it back. */
export type JobState = (typeof JOB_STATES)[number];

type JobEvent =
  'sent' | 'claimed' | 'finished' | 'failed' | 'gave_up' | 'released' | 'hastened' | 'retried' | 'discarded';

/** What may happen to a job in which state, and what it is then. A job whose lease has run out is still `running`. */
export const JOB_MOVES: Readonly<Record<JobEvent, { readonly from: readonly JobState[]; readonly to: JobState }>> = {
  sent: { from: ['waiting', 'queued', 'running'], to: 'queued' },
  claimed: { from: ['waiting', 'queued', 'running'], to: 'running' },
  finished: { from: ['running'], to: 'done' },
  failed: { from: ['running'], to: 'waiting' },
  gave_up: { from: ['running'], to: 'dead' },
  released: { from: ['running'], to: 'waiting' },
  hastened: { from: ['waiting'], to: 'waiting' },
  retried: { from: ['dead'], to: 'waiting' },
  discarded: { from: ['waiting', 'queued', 'running'], to: 'dead' },
};

/** Ids stand in URLs and in keys of Redis. @throws RangeError */
export function assertJobId(id: string): void {
  if (!/^[\w.:@-]{1,200}$/.test(id)) throw new RangeError(`"${id.slice(0, 200)}" cannot be the id of a job.`);
}
