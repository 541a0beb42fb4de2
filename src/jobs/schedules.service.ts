import { Injectable, Logger } from '@nestjs/common';
import { JobRegistry } from './job-registry';
import { describe } from './job-runner.service';
import { LEASE_SECONDS } from './job-store.service';
import { Leases } from './leases';
import { Loop } from './loop';
import { type ScheduleRun, ScheduleStore } from './schedule-store.service';

const RENEW_MS = (LEASE_SECONDS * 1000) / 3;

/**
 * Runs what repeats, once for all replicas: who claims the row runs it. It needs no Redis, because among what repeats
 * is what mends everything else.
 */
@Injectable()
export class SchedulesService {
  private readonly logger = new Logger('Jobs');
  private readonly leases = new Leases<ScheduleRun>(RENEW_MS, (held) => this.renew(held));
  private ensured = false;
  private readonly loop = new Loop(
    () => this.look(),
    (error) => this.logger.warn(`cannot look for schedules: ${String(error)}`),
  );

  constructor(
    private readonly store: ScheduleStore,
    private readonly registry: JobRegistry,
  ) {}

  start(): void {
    this.loop.start();
  }

  /** Waits for what runs, at most `graceMs`, and gives the rest back. */
  async stop(graceMs: number): Promise<void> {
    await this.loop.stop();
    const left = await this.leases.drain(graceMs);
    if (left.length > 0) await this.store.release(left.map(({ claim }) => claim));
  }

  /** Runs a schedule now, unless it runs somewhere. @throws UnknownJobError, and whatever it throws itself */
  async runNow(name: string): Promise<void> {
    const job = this.registry.recurringJob(name);
    await this.store.ensure([job]);
    const [run] = await this.store.claim([name], true);
    const error = run && (await this.run(run));
    if (error !== undefined) throw error;
  }

  prune(): Promise<void> {
    return this.store.prune();
  }

  private async look(): Promise<number> {
    const jobs = this.registry.recurringJobs;
    // Here and not at boot: a server may start before its database is migrated.
    if (!this.ensured) await this.store.ensure(jobs);
    this.ensured = true;
    const names = jobs.map(({ name }) => name);
    for (const run of await this.store.claim(names)) void this.run(run);
    return (await this.store.secondsToNext(names)) ?? Infinity;
  }

  /** @returns what it threw. */
  private async run(run: ScheduleRun): Promise<unknown> {
    const work = this.perform(run);
    await this.leases.holdUntil(run, work);
    return work;
  }

  /** Never throws. */
  private async perform(run: ScheduleRun): Promise<unknown> {
    let thrown: unknown;
    try {
      await this.registry.recurringJob(run.name).run();
    } catch (error) {
      thrown = error;
      this.logger.error(`${run.name} failed: ${describe(error)}`);
    }
    await this.store
      .finish(run, thrown === undefined ? undefined : describe(thrown))
      .catch((error: unknown) => this.logger.warn(`${run.name} waits for its lease to end: ${String(error)}`));
    return thrown;
  }

  private async renew(held: readonly ScheduleRun[]): Promise<void> {
    await this.store
      .renew(held.map(({ claim }) => claim))
      .catch((error: unknown) => this.logger.warn(`leases were not renewed: ${String(error)}`));
  }
}
