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
    this.notice(redis.awayMs > PATIENCE_MS);
    if (this.withoutRedis) await runner.startDue(concurrency - runner.count);
    else if (redis.awayMs === 0) await this.send();
    const names = registry.handlerNames.length;
    return names === 0 ? Infinity : ((await store.secondsToNext()) ?? Infinity);
  }

  private async send(): Promise<void> {
    const { redis, store, registry, runner, concurrency } = this.parts;
    const room = MOST_QUEUED - (await redis.waiting());
    if (room <= 0) return;
    const due = await store.send(registry.handlerNames, room);
    if (due.length > 0) await redis.send(due);
    const isSilent = due.some(({ again }) => again) && performance.now() - this.deliveredAt > SILENCE_MS;
    if (isSilent && runner.count < concurrency) {
      this.logger.warn('Redis takes jobs and brings none: taking them from PostgreSQL');
      for (const { id } of due.slice(0, concurrency - runner.count)) {
        runner.runAnnounced(id).catch((error: unknown) => this.logger.warn(`${id} was not taken: ${String(error)}`));
      }
    }
  }

  private notice(isAway: boolean): void {
    if (isAway === this.withoutRedis) return;
    this.withoutRedis = isAway;
    if (isAway) this.logger.warn('Redis is away: jobs are taken from PostgreSQL until it is back');
    else this.logger.log('Redis is back');
  }
}
