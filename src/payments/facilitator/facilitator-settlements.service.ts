import { Injectable } from '@nestjs/common';
import type { SettleResponse } from '@x402/core/types';
import { DatabaseService } from '../../database/database.service';
import type { FacilitatedPayment } from './facilitated-payment';

/** Longer than a settlement takes; who comes after it goes on with what a process left behind. */
const LEASE_SECONDS = 60;

/** A payment whose copies share one settlement. */
export interface SettlementKey extends Pick<FacilitatedPayment, 'network' | 'termsHash'> {
  readonly payloadHash: string;
  readonly serverId: string;
}

/** Which payments of foreign servers were settled, and what was answered. */
@Injectable()
export class FacilitatorSettlements {
  constructor(private readonly database: DatabaseService) {}

  /**
   * Claims a payment before anything is sent for it. `mine`: settle it; `taken`: another request does, wait for it;
   * `conflict`: it is another server's, or was taken on other terms; else what was answered.
   */
  async take(key: SettlementKey): Promise<'mine' | 'taken' | 'conflict' | SettleResponse> {
    const [mine] = await this.database.query(
      `INSERT INTO facilitator_settlements AS settlement (payload_hash, server_id, network, terms_hash, leased_until)
       VALUES ($1, $2, $3, $4, now() + $5 * interval '1 second')
       ON CONFLICT (payload_hash) DO UPDATE
         SET leased_until = excluded.leased_until, terms_hash = excluded.terms_hash
         WHERE settlement.result IS NULL AND settlement.leased_until <= now()
           AND settlement.server_id = excluded.server_id
           AND coalesce(settlement.terms_hash, excluded.terms_hash) = excluded.terms_hash
       RETURNING 1`,
      [key.payloadHash, key.serverId, key.network, key.termsHash, LEASE_SECONDS],
    );
    if (mine) return 'mine';
    const [row] = await this.database.query<SettlementRow>(
      'SELECT server_id, terms_hash, result FROM facilitator_settlements WHERE payload_hash = $1',
      [key.payloadHash],
    );
    if (row?.server_id !== key.serverId || (row.terms_hash ?? key.termsHash) !== key.termsHash) return 'conflict';
    return row.result ?? 'taken';
  }

  /** What is answered from now on. */
  async succeed(payloadHash: string, result: SettleResponse): Promise<void> {
    await this.database.query('UPDATE facilitator_settlements SET result = $2 WHERE payload_hash = $1', [
      payloadHash,
      JSON.stringify(result),
    ]);
  }

  /** Lets the next request try: at once, on whatever terms when nothing was sent. */
  async giveUp(payloadHash: string, { sent }: { sent: boolean }): Promise<void> {
    await this.database.query(
      `UPDATE facilitator_settlements SET leased_until = now(), terms_hash = CASE WHEN $2 THEN terms_hash END
        WHERE payload_hash = $1 AND result IS NULL`,
      [payloadHash, sent],
    );
  }
}

interface SettlementRow {
  server_id: string;
  terms_hash: string | null;
  result: SettleResponse | null;
}
