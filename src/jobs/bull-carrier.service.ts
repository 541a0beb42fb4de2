import { Logger } from '@nestjs/common';
import type { BullClient } from './bull.client';
import type { JobCarrier } from './job-carrier';
import type { JobRegistry } from './job-registry';
import type { JobRunner } from './job-runner.service';
import type { JobSignal } from './job-signal.service';
import type { JobStore } from './job-store.service';
import { Loop } from './loop';

/** So many may wait in Redis: the rest stays where it is safe, and nothing is sent again in masses. */
const MOST_QUEUED = 1_000;
/** Redis may be restarted without anybody noticing. */
const PATIENCE_MS = 5_000;
/** What was sent twice and never came back: Redis answers, and yet does not deliver. */
const SILENCE_MS = 45_000;

export interface BullParts {
  readonly store: JobStore;
  readonly runner: JobRunner;
  readonly registry: JobRegistry;
  readonly signal: JobSignal;
  readonly redis: BullClient;
  readonly concurrency: number;
}

/**
 * Spreads due jobs over all workers through Bull. Redis carries ids only, and may lose, repeat and delay them: a job is
 * whose claim PostgreSQL accepts. While Redis is away, the workers take jobs from PostgreSQL themselves.
 */
export class BullCarrier implements JobCarrier {
  private readonly logger = new Logger('Jobs');
  private readonly loop = new Loop(
    () => this.look(),
    (error) => this.logger.warn(`cannot look for jobs: ${String(error)}`),
  );
  private deliveredAt = performance.now();
  private withoutRedis = false;

  constructor(private readonly parts: BullParts) {}

  start(): void {
    const { redis, runner, signal } = this.parts;
    runner.onEnd = () => {
      if (this.withoutRedis) this.loop.wake();
    };
    redis.start((id) => this.deliver(id));
    this.loop.start();
    void signal.listen(() => this.loop.wake());
  }

  async pause(): Promise<void> {
    this.parts.signal.stop();
    await Promise.all([this.loop.stop(), this.parts.redis.pause()]);
  }

  close(): Promise<void> {
    return this.parts.redis.close();
  }

  private async deliver(id: string): Promise<void> {
    this.deliveredAt = performance.now();
    await this.parts.runner.runAnnounced(id);
  }

  private async look(): Promise<number> {
    const { redis, store, registry, runner, concurrency } = this.parts;
    if (registry.handlerNames.length === 0) return Infinity;
    const answer = redis.waiting();
    // One that is silent is asked all the same, and not waited for.
    const waiting = this.withoutRedis ? undefined : await answer;
    this.notice(redis.awayMs > PATIENCE_MS);
    if (this.withoutRedis) await runner.startDue(concurrency - runner.count);
    else if (waiting !== undefined) await this.send(MOST_QUEUED - waiting);
    return (await store.secondsToNext()) ?? Infinity;
  }

  private async send(room: number): Promise<void> {
    const { redis, store, registry, runner, concurrency } = this.parts;
    const due = room > 0 ? await store.send(registry.handlerNames, room) : [];
    if (due.length === 0) return;
    const isTaken = await redis.send(due);
    const isIdle = runner.count < concurrency && performance.now() - this.deliveredAt > SILENCE_MS;
    const isSilent = isIdle && due.some(({ again }) => again);
    if (isTaken && !isSilent) return;
    this.logger.warn(`Redis ${isTaken ? 'takes jobs and brings none' : 'takes no jobs'}: some are run without it`);
    for (const { id } of due.slice(0, Math.max(0, concurrency - runner.count))) {
      runner.runAnnounced(id).catch((error: unknown) => this.logger.warn(`${id} was not taken: ${String(error)}`));
    }
  }

  private notice(isAway: boolean): void {
    if (isAway === this.withoutRedis) return;
    this.withoutRedis = isAway;
    if (isAway) this.logger.warn('Redis is away: jobs are taken from PostgreSQL until it is back');
    else this.logger.log('Redis is back');
  }
}
