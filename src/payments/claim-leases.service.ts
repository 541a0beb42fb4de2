import { Inject, Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { CONFIG } from '../config/config.module';
import type { Config } from '../config/config';
import { DatabaseService } from '../database/database.service';

/** How long a claim outlives its worker. */
export const LEASE_SECONDS = 30;
const RENEW_MS = 10_000;

/**
 * Renews the leases of the claims that this process works on: work may take as long as it takes, and the claim of a
 * process that died is free again within half a minute.
 */
@Injectable()
export class ClaimLeases implements OnApplicationShutdown {
  private readonly logger = new Logger('ClaimLeases');
  /** Call ids by claim key, each with the instant after which its work is not believed in any more, and what ends with it. */
  private readonly kept = new Map<string, { callId: string; until: number; ended: () => void }>();
  private timer: NodeJS.Timeout | undefined;

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly database: DatabaseService,
  ) {}

  onApplicationShutdown(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }

  /** From now on, until `drop`: at most as long as a hold lives. `ended` is called then. */
  keep(key: string, callId: string, ended: () => void = () => undefined): void {
    this.kept.get(key)?.ended();
    this.kept.set(key, { callId, until: Date.now() + this.config.holdTtlSeconds * 1000, ended });
    this.timer ??= setInterval(() => void this.renewOrSay(), RENEW_MS).unref();
  }

  drop(key: string, callId: string): void {
    const kept = this.kept.get(key);
    if (kept?.callId === callId) {
      this.kept.delete(key);
      kept.ended();
    }
    if (this.kept.size === 0) this.onApplicationShutdown();
  }

  /** Of whatever claim this call has taken. */
  dropCall(callId: string): void {
    for (const [key, kept] of this.kept) if (kept.callId === callId) this.drop(key, callId);
  }

  /** A lease that was lost is not taken back: by then, somebody else may work on the claim. */
  async renew(): Promise<void> {
    for (const [key, { callId, until }] of this.kept) if (until < Date.now()) this.drop(key, callId);
    if (this.kept.size === 0) return;
    const [keys, callIds] = [[...this.kept.keys()], [...this.kept.values()].map(({ callId }) => callId)];
    await this.database.query(
      `WITH mine AS (
         SELECT key FROM claims JOIN unnest($1::text[], $2::uuid[]) AS kept (key, call_id) USING (key, call_id)
          WHERE state IN ('working', 'settling', 'promised') AND lease_until > now() ORDER BY key FOR NO KEY UPDATE OF claims
       )
       UPDATE claims SET lease_until = greatest(lease_until, now() + make_interval(secs => $3))
         FROM mine WHERE claims.key = mine.key`,
      [keys, callIds, LEASE_SECONDS],
    );
  }

  private async renewOrSay(): Promise<void> {
    await this.renew().catch((error: unknown) => this.logger.warn(`leases were not renewed: ${String(error)}`));
  }
}
