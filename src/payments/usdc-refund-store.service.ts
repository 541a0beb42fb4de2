import { Injectable } from '@nestjs/common';
import { assertSameRequest, IdempotencyConflictError, type RequestKey } from '../common/idempotency-key';
import { usd, usdc } from '../common/money';
import { DatabaseService } from '../database/database.service';
import type { Tx } from '../database/tx';
import type { RefundablePayment } from './refunds/refundable-payments.service';
import type { UsdcRefund, UsdcRefundState } from './usdc-refund';

export interface NewUsdcRefund extends Pick<UsdcRefund, 'id' | 'destination' | 'forced' | 'reason' | 'state'> {
  readonly payment: RefundablePayment;
  readonly atoms: bigint;
  readonly owed: bigint;
  readonly withdrawalId: string | null;
  readonly requestKey: RequestKey | undefined;
}

/** Rows of `usdc_refunds`. */
@Injectable()
export class UsdcRefundStore {
  constructor(private readonly database: DatabaseService) {}

  /** @throws IdempotencyConflictError when another wallet's refund took the key meanwhile */
  async insert(tx: Tx, { payment, requestKey, ...refund }: NewUsdcRefund): Promise<void> {
    const rows = await tx.query(
      `INSERT INTO usdc_refunds (id, source, call_id, payment_id, wallet_id, topped_up, destination, atoms, owed_atoms,
                                 forced, reason, state, withdrawal_id, idempotency_key, fingerprint, finished_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, CASE WHEN $12 = 'credited' THEN now() END)
       ON CONFLICT (idempotency_key) DO NOTHING RETURNING 1`,
      [
        ...[refund.id, payment.source, payment.callId, payment.paymentId, payment.walletId],
        ...[payment.toppedUp?.customerId ?? null, refund.destination, refund.atoms, refund.owed],
        ...[refund.forced, refund.reason, refund.state, refund.withdrawalId],
        ...[requestKey?.key ?? null, requestKey?.fingerprint ?? null],
      ],
    );
    if (rows.length === 0) throw new IdempotencyConflictError();
  }

  /**
   * What of the payment went back before, and what of that to its payer on the chain. A transfer that could not be
   * delivered never left the wallet's credit; of a call or a top-up that is where it was given to.
   */
  async earlier(tx: Tx, { source, callId, paymentId }: RefundablePayment): Promise<{ given: bigint; sent: bigint }> {
    const [sums] = await tx.query<{ given: bigint; sent: bigint }>(
      `SELECT coalesce(sum(atoms) FILTER (WHERE source = $1 AND call_id IS NOT DISTINCT FROM $2
                                            AND NOT (source = 'transfer' AND state = 'returned')), 0)::bigint AS given,
              coalesce(sum(atoms) FILTER (WHERE payment_id = $3 AND state IN ('sending', 'sent')), 0)::bigint AS sent
         FROM usdc_refunds WHERE call_id = $2 OR payment_id = $3`,
      [source, callId, paymentId],
    );
    return sums ?? { given: 0n, sent: 0n };
  }

  /** Whether a reorganisation took the transfer that paid for it, and it is not on the chain again. */
  async isGone(tx: Tx, { paymentId }: RefundablePayment): Promise<boolean> {
    return (await tx.query(GONE, [paymentId])).length > 0;
  }

  /** The refund that this request made before. @throws IdempotencyConflictError when the key made another one */
  async madeBy(requestKey: RequestKey, tx: Tx = this.database): Promise<UsdcRefund | undefined> {
    const [row] = await tx.query<RefundRow>(`${SELECT} WHERE idempotency_key = $1`, [requestKey.key]);
    if (row) assertSameRequest(requestKey, row.fingerprint);
    return row && toRefund(row);
  }

  /** The refund that a withdrawal carries, locked; `undefined` when it carries none. */
  async carriedBy(tx: Tx, withdrawalId: string): Promise<UsdcRefund | undefined> {
    const sql = `${SELECT} WHERE withdrawal_id = $1 FOR UPDATE OF refund`;
    const [row] = await tx.query<RefundRow>(sql, [withdrawalId]);
    return row && toRefund(row);
  }

  async finish(tx: Tx, id: string, state: UsdcRefundState): Promise<void> {
    await tx.query('UPDATE usdc_refunds SET state = $2, finished_at = now() WHERE id = $1', [id, state]);
  }

  async get(id: string): Promise<UsdcRefund | undefined> {
    const [row] = await this.database.query<RefundRow>(`${SELECT} WHERE refund.id = $1`, [id]);
    return row && toRefund(row);
  }

  /** Newest first; of one wallet's customer, of one call. `before` is the last id of the page before. */
  async list(
    filter: { customerId?: string | undefined; callId?: string | undefined },
    limit: number,
    before?: string,
  ): Promise<UsdcRefund[]> {
    const rows = await this.database.query<RefundRow>(
      `${SELECT} WHERE ($1::text IS NULL OR wallet_id = $1) AND ($2::uuid IS NULL OR call_id = $2)
          AND ($3::text IS NULL OR refund.id < $3) ORDER BY refund.id DESC LIMIT $4`,
      [filter.customerId ?? null, filter.callId ?? null, before ?? null, limit],
    );
    return rows.map(toRefund);
  }

  /** What was given back of each of these calls, in micro-USDC; nothing for a call of which nothing was. */
  async refundedOf(callIds: readonly string[]): Promise<ReadonlyMap<string, bigint>> {
    if (callIds.length === 0) return new Map();
    const rows = await this.database.query<{ call_id: string; atoms: bigint }>(
      'SELECT call_id, sum(atoms)::bigint AS atoms FROM usdc_refunds WHERE call_id = ANY ($1::uuid[]) GROUP BY call_id',
      [callIds],
    );
    return new Map(rows.map(({ call_id: callId, atoms }) => [callId, atoms]));
  }
}

/** A reversal is posted first, under the wallet's lock, and its row is written after it. */
const GONE = `
  SELECT FROM reversed_transfers WHERE payment_id = $1 AND state <> 'settled'
   UNION ALL
  SELECT FROM journal_keys JOIN (SELECT 'transfer:' || $1 AS key UNION ALL
                                 SELECT 'again:' || entry_key FROM reversed_transfers WHERE payment_id = $1) booked
           ON journal_keys.key = 'reversed:' || booked.key
   WHERE booked.key NOT IN (SELECT entry_key FROM reversed_transfers WHERE payment_id = $1)`;

const SELECT = `
  SELECT refund.*, withdrawal.transaction
    FROM usdc_refunds refund LEFT JOIN withdrawals withdrawal ON withdrawal.id = withdrawal_id`;

interface RefundRow {
  id: string;
  source: UsdcRefund['source'];
  call_id: string | null;
  payment_id: string | null;
  wallet_id: string;
  topped_up: string | null;
  destination: UsdcRefund['destination'];
  atoms: bigint;
  owed_atoms: bigint;
  forced: boolean;
  reason: string | null;
  state: UsdcRefundState;
  withdrawal_id: string | null;
  transaction: string | null;
  fingerprint: string | null;
  created_at: Date;
  finished_at: Date | null;
}

const toRefund = (row: RefundRow): UsdcRefund => ({
  id: row.id,
  source: row.source,
  callId: row.call_id,
  paymentId: row.payment_id,
  walletId: row.wallet_id,
  toppedUp: row.topped_up,
  destination: row.destination,
  amount: usdc(row.atoms),
  owed: usd(row.owed_atoms),
  forced: row.forced,
  reason: row.reason,
  state: row.state,
  withdrawalId: row.withdrawal_id,
  transaction: row.transaction,
  createdAt: row.created_at,
  finishedAt: row.finished_at,
});
