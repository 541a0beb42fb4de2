import { inspect } from 'node:util';
import { Injectable, Logger } from '@nestjs/common';
import { ATTEMPTS, backOffSeconds } from './back-off';
import type { ClaimedJob, JobHandler } from './job';
import { HopelessJobError, LostJobError } from './job-error';
import { JobRegistry } from './job-registry';
import { JobStore, LEASE_SECONDS } from './job-store.service';
import { Leases } from './leases';

const RENEW_MS = (LEASE_SECONDS * 1000) / 3;
const MOST_ERROR_CHARACTERS = 2_000;

/** Runs claimed jobs, whichever carrier brought them: handler, effect, back-off, dead letter. */
@Injectable()
export class JobRunner {
  private readonly logger = new Logger('Jobs');
  private readonly leases = new Leases<ClaimedJob>(RENEW_MS, (held) => this.renew(held));
  private stopping = false;
  /** Called whenever a job has ended. */
  onEnd: () => void = () => undefined;

  constructor(
    private readonly store: JobStore,
    private readonly registry: JobRegistry,
  ) {}

  get count(): number {
    return this.leases.count;
  }

  /** Claims and starts up to `limit` due jobs. @returns how many; they are still running. */
  async startDue(limit: number): Promise<number> {
    if (limit <= 0 || this.registry.handlerNames.length === 0) return 0;
    const jobs = await this.store.claimDue(this.registry.handlerNames, limit);
    for (const job of jobs) void this.run(job);
    return jobs.length;
  }

  /** Runs a job that was announced, unless it is done or somebody else has it. Resolves when it has ended. */
  async runAnnounced(id: string): Promise<void> {
    if (this.stopping) return;
    const job = await this.store.claim(id, this.registry.handlerNames);
    if (job) await this.run(job);
  }

  /** Waits for what runs, at most `graceMs`; the rest is given back, and whatever it would still write is void. */
  async stop(graceMs: number): Promise<void> {
    this.stopping = true;
    const left = await this.leases.drain(graceMs);
    if (left.length === 0) return;
    this.logger.warn(`given back unfinished: ${left.map(({ id }) => id).join(', ')}`);
    await this.store.release(left.map(({ claim }) => claim));
  }

  /** Never throws. */
  private async run(job: ClaimedJob): Promise<void> {
    // Claimed in the moment in which the process began to end. Otherwise its lease runs out.
    if (this.stopping) return this.store.release([job.claim]).catch(() => undefined);
    await this.leases.holdUntil(job, this.perform(job));
    this.onEnd();
  }

  /** Never throws. When nothing can be written down, the lease runs out and the job is found again. */
  private async perform(job: ClaimedJob): Promise<void> {
    const handler = this.registry.handler(job.name);
    try {
      if (job.attempt > attemptsOf(handler)) throw new HopelessJobError('its process died in every attempt');
      const writes = await handler.run(job);
      await this.store.finish(job, writes ?? undefined);
    } catch (error) {
      await this.fail(job, handler, error).catch((second: unknown) =>
        this.logger.error(`${job.id} failed (${describe(error)}), and that is not written down: ${describe(second)}`),
      );
    }
  }

  private async fail(job: ClaimedJob, handler: JobHandler, error: unknown): Promise<void> {
    if (error instanceof LostJobError) return this.logger.warn(`${error.message} Nothing was written.`);
    const isOver = error instanceof HopelessJobError || job.attempt >= attemptsOf(handler);
    const waitSeconds = isOver ? undefined : backOffSeconds(job.attempt);
    const isKept = await this.store.fail(job, describe(error), waitSeconds);
    const times = `attempt ${job.attempt} of ${attemptsOf(handler)}`;
    if (!isKept) this.logger.warn(`${job.id}: ${describe(error)} (${times}). It is done already, or another's.`);
    else if (isOver) this.logger.error(`ALERT ${job.id} is dead (${times}): ${describe(error)}`);
    else this.logger.warn(`${job.id} failed (${times}): ${describe(error)}`);
  }

  private async renew(held: readonly ClaimedJob[]): Promise<void> {
    try {
      const kept = new Set(await this.store.renew(held.map(({ claim }) => claim)));
      const lost = held.filter(({ claim }) => !kept.has(claim));
      if (lost.length > 0) this.logger.warn(`leases are lost: ${lost.map(({ id }) => id).join(', ')}`);
    } catch (error) {
      this.logger.warn(`leases were not renewed: ${describe(error)}`);
    }
  }
}

const attemptsOf = (handler: JobHandler): number => handler.attempts ?? ATTEMPTS;

/** The error and what caused it, for the operator. */
export function describe(error: unknown): string {
  const causes: string[] = [];
  for (let at = error; at !== undefined && causes.length < 4; at = at instanceof Error ? at.cause : undefined) {
    causes.push(at instanceof Error ? `${at.name}: ${at.message}` : inspect(at));
  }
  // PostgreSQL's text has no zero byte.
  return causes.join(', because of ').replaceAll('\0', '').slice(0, MOST_ERROR_CHARACTERS);
}
