import { Logger } from '@nestjs/common';
import type { JobCarrier } from './job-carrier';
import type { JobRunner } from './job-runner.service';
import type { JobSignal } from './job-signal.service';
import type { JobStore } from './job-store.service';
import { Loop } from './loop';

/** Takes due jobs from PostgreSQL itself: woken by each commit that enqueues one, and by the time of the next. */
export class InProcessCarrier implements JobCarrier {
  private readonly logger = new Logger('Jobs');
  private readonly loop = new Loop(
    () => this.look(),
    (error) => this.logger.warn(`cannot look for jobs: ${String(error)}`),
  );

  constructor(
    private readonly store: JobStore,
    private readonly runner: JobRunner,
    private readonly signal: JobSignal,
    private readonly concurrency: number,
  ) {}

  start(): void {
    this.runner.onEnd = () => this.loop.wake();
    this.loop.start();
    void this.signal.listen(() => this.loop.wake());
  }

  async pause(): Promise<void> {
    this.signal.stop();
    await this.loop.stop();
  }

  async close(): Promise<void> {
    // It has no connection of its own.
  }

  private async look(): Promise<number> {
    const room = this.concurrency - this.runner.count;
    // With no room, the end of a job wakes.
    if (room > 0 && (await this.runner.startDue(room)) === room) return Infinity;
    return (await this.store.secondsToNext()) ?? Infinity;
  }
}
