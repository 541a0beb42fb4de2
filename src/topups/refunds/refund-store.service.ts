import { Injectable } from '@nestjs/common';
import { assertSameRequest, IdempotencyConflictError, type RequestKey } from '../../common/idempotency-key';
import { usd } from '../../common/money';
import { DatabaseService } from '../../database/database.service';
import type { Tx } from '../../database/tx';
import type { Part, ReversiblePayment } from '../reversals/reversible-payment';
import { isReturned, type Refund, type RefundState } from './refund';

export interface NewRefund extends Part {
  readonly id: string;
  readonly stripeRefundId: string | null;
  readonly origin: Refund['origin'];
  readonly forced: boolean;
  readonly reason: string | null;
  readonly minor: bigint;
  readonly owed: bigint;
  /** Of the request that asked for it. */
  readonly requestKey?: RequestKey | undefined;
}

/** Rows of `refunds`; whoever writes has the payment locked. */
@Injectable()
export class RefundStore {
  constructor(private readonly database: DatabaseService) {}

  /** @throws IdempotencyConflictError when the refund of another payment took the key meanwhile */
  async insert(tx: Tx, payment: ReversiblePayment, refund: NewRefund): Promise<void> {
    const rows = await tx.query(
      `INSERT INTO refunds (id, payment_intent_id, topup_id, customer_id, stripe_refund_id, origin, forced, reason, minor,
                            gross_atoms, credit_atoms, tax_atoms, bonus_atoms, owed_atoms, state,
                            idempotency_key, fingerprint)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, 'opened', $15, $16)
       ON CONFLICT (idempotency_key) DO NOTHING RETURNING 1`,
      [
        ...[refund.id, payment.paymentIntentId, payment.topUpId, payment.customerId, refund.stripeRefundId],
        ...[refund.origin, refund.forced, refund.reason, refund.minor],
        ...[refund.gross, refund.credit, refund.tax, refund.bonus, refund.owed],
        ...[refund.requestKey?.key ?? null, refund.requestKey?.fingerprint ?? null],
      ],
    );
    if (rows.length === 0) throw new IdempotencyConflictError();
  }

  /** Under its id at Stripe, or the one that we gave it along. */
  async find(tx: Tx, refund: { id: string; refundId: string | null }): Promise<Refund | undefined> {
    const [row] = await tx.query<RefundRow>('SELECT * FROM refunds WHERE stripe_refund_id = $1 OR id = $2', [
      refund.id,
      refund.refundId,
    ]);
    return row && toRefund(row);
  }

  /** The refund that this request made before. @throws IdempotencyConflictError when the key made another one */
  async madeBy(requestKey: RequestKey, tx: Tx = this.database): Promise<Refund | undefined> {
    const sql = 'SELECT * FROM refunds WHERE idempotency_key = $1';
    const [row] = await tx.query<RefundRow & { fingerprint: string }>(sql, [requestKey.key]);
    if (row) assertSameRequest(requestKey, row.fingerprint);
    return row && toRefund(row);
  }

  async get(id: string): Promise<Refund | undefined> {
    const [row] = await this.database.query<RefundRow>('SELECT * FROM refunds WHERE id = $1', [id]);
    return row && toRefund(row);
  }

  /** Newest first; `before` is the last id of the page before. */
  async list(customerId: string | undefined, limit: number, before?: string): Promise<Refund[]> {
    const rows = await this.database.query<RefundRow>(
      `SELECT * FROM refunds WHERE ($1::text IS NULL OR customer_id = $1) AND ($2::text IS NULL OR id < $2)
        ORDER BY id DESC LIMIT $3`,
      [customerId ?? null, before ?? null, limit],
    );
    return rows.map(toRefund);
  }

  async move(tx: Tx, id: string, state: RefundState, failureReason: string | null): Promise<void> {
    const finished = state === 'succeeded' || isReturned(state);
    await tx.query(
      `UPDATE refunds SET state = $2, failure_reason = $3, finished_at = CASE WHEN $4 THEN now() END WHERE id = $1`,
      [id, state, failureReason, finished],
    );
  }

  async nameAtStripe(tx: Tx, id: string, stripeRefundId: string): Promise<void> {
    await tx.query('UPDATE refunds SET stripe_refund_id = $2 WHERE id = $1', [id, stripeRefundId]);
  }
}

interface RefundRow {
  id: string;
  payment_intent_id: string;
  topup_id: string | null;
  customer_id: string | null;
  stripe_refund_id: string | null;
  origin: Refund['origin'];
  forced: boolean;
  reason: string | null;
  minor: bigint;
  gross_atoms: bigint;
  credit_atoms: bigint;
  tax_atoms: bigint;
  bonus_atoms: bigint;
  owed_atoms: bigint;
  state: RefundState;
  failure_reason: string | null;
  created_at: Date;
  finished_at: Date | null;
}

const toRefund = (row: RefundRow): Refund => ({
  id: row.id,
  paymentIntentId: row.payment_intent_id,
  topUpId: row.topup_id,
  customerId: row.customer_id,
  stripeRefundId: row.stripe_refund_id,
  origin: row.origin,
  forced: row.forced,
  reason: row.reason,
  minor: row.minor,
  gross: usd(row.gross_atoms),
  credit: usd(row.credit_atoms),
  tax: usd(row.tax_atoms),
  bonus: usd(row.bonus_atoms),
  owed: usd(row.owed_atoms),
  state: row.state,
  failureReason: row.failure_reason,
  createdAt: row.created_at,
  finishedAt: row.finished_at,
});
