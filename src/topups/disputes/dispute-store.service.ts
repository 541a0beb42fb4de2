import { Injectable } from '@nestjs/common';
import { usd } from '../../common/money';
import { DatabaseService } from '../../database/database.service';
import type { Tx } from '../../database/tx';
import { grossOf, type Part, type ReversiblePayment } from '../reversals/reversible-payment';
import type { Dispute, DisputePhase } from './dispute';
import type { DisputeAtStripe } from './disputes.client';

/** Rows of `disputes`; whoever writes has the payment locked. */
@Injectable()
export class DisputeStore {
  constructor(private readonly database: DatabaseService) {}

  /** The dispute, in our words, with what Stripe says of it now. */
  async see(tx: Tx, payment: ReversiblePayment, dispute: DisputeAtStripe): Promise<Dispute> {
    const [row] = await tx.query<DisputeRow>(
      `INSERT INTO disputes (id, payment_intent_id, topup_id, customer_id, gross_atoms, phase, status, reason, due_by)
       VALUES ($1, $2, $3, $4, $5, 'new', $6, $7, $8) ON CONFLICT (id) DO UPDATE SET status = excluded.status,
              reason = excluded.reason, due_by = coalesce(excluded.due_by, disputes.due_by) RETURNING *`,
      [
        ...[dispute.id, payment.paymentIntentId, payment.topUpId, payment.customerId],
        ...[grossOf(payment, dispute.paid, dispute.minor), dispute.status, dispute.reason, dispute.dueBy],
      ],
    );
    return toDispute(row as DisputeRow);
  }

  /** It is in another phase, with so much taken for it. */
  async move(tx: Tx, id: string, phase: DisputePhase, lost: Part & { readonly owed: bigint }): Promise<void> {
    const closed = phase === 'lost' || phase === 'closed';
    await tx.query(
      `UPDATE disputes SET phase = $2, lost_gross_atoms = $3, lost_credit_atoms = $4, lost_tax_atoms = $5,
              lost_bonus_atoms = $6, owed_atoms = $7, closed_at = CASE WHEN $8 THEN now() END WHERE id = $1`,
      [id, phase, lost.gross, lost.credit, lost.tax, lost.bonus, lost.owed, closed],
    );
  }

  /** At Stripe, the oldest first: what a bank has not decided, or has within a week, whose money may still move. */
  async undecided(limit: number, after = ''): Promise<string[]> {
    const rows = await this.database.query<{ id: string }>(
      `SELECT id FROM (
         SELECT id FROM disputes WHERE phase IN ('new', 'inquiry', 'open') OR closed_at > now() - interval '7 days'
          UNION ALL SELECT id FROM fraud_warnings WHERE actionable
          UNION ALL SELECT stripe_refund_id FROM refunds WHERE state = 'pending' AND stripe_refund_id IS NOT NULL) open
        WHERE id > $1 ORDER BY id LIMIT $2`,
      [after, limit],
    );
    return rows.map(({ id }) => id);
  }

  /** Whether a bank has doubts about any payment of the customer still: nothing is charged without it meanwhile. */
  async hasDoubted(tx: Tx, customerId: string): Promise<boolean> {
    return (await tx.query(doubtsOf('$1'), [customerId])).length > 0;
  }

  /**
   * Fingerprints of cards that a bank has warned of, whatever became of the payment: nothing is charged to them without
   * their holder, unless the operator has dismissed the warning or a dispute of that payment was given up.
   */
  async doubtedCards(db: Tx, customerId: string): Promise<string[]> {
    const rows = await db.query<{ fingerprint: string }>(
      `SELECT DISTINCT card_fingerprint AS fingerprint FROM fraud_warnings w
        WHERE customer_id = $1 AND action <> 'notify' AND card_fingerprint IS NOT NULL
          AND NOT EXISTS (SELECT FROM disputes d WHERE d.payment_intent_id = w.payment_intent_id AND phase = 'closed')`,
      [customerId],
    );
    return rows.map(({ fingerprint }) => fingerprint);
  }

  /** Newest first. */
  async list(customerId: string | undefined, limit: number): Promise<Dispute[]> {
    const rows = await this.database.query<DisputeRow>(
      `SELECT * FROM disputes WHERE $1::text IS NULL OR customer_id = $1 ORDER BY created_at DESC, id LIMIT $2`,
      [customerId ?? null, limit],
    );
    return rows.map(toDispute);
  }
}

/** Payments of a customer (an expression of SQL) that a bank has doubts about still. */
export const doubtsOf = (customer: string): string => `
  SELECT FROM disputes WHERE customer_id = ${customer} AND phase = 'open'
  UNION ALL SELECT FROM fraud_warnings w WHERE customer_id = ${customer} AND actionable AND action <> 'notify'
        AND NOT EXISTS (SELECT FROM disputes d WHERE d.payment_intent_id = w.payment_intent_id AND phase IN ('lost', 'closed'))`;

interface DisputeRow {
  id: string;
  payment_intent_id: string;
  topup_id: string | null;
  customer_id: string | null;
  gross_atoms: bigint;
  phase: DisputePhase;
  status: string;
  reason: string;
  due_by: Date | null;
  lost_gross_atoms: bigint;
  lost_credit_atoms: bigint;
  lost_tax_atoms: bigint;
  lost_bonus_atoms: bigint;
  owed_atoms: bigint;
  created_at: Date;
  closed_at: Date | null;
}

const toDispute = (row: DisputeRow): Dispute => ({
  id: row.id,
  paymentIntentId: row.payment_intent_id,
  topUpId: row.topup_id,
  customerId: row.customer_id,
  gross: usd(row.gross_atoms),
  phase: row.phase,
  status: row.status,
  reason: row.reason,
  dueBy: row.due_by,
  lost: {
    gross: usd(row.lost_gross_atoms),
    credit: usd(row.lost_credit_atoms),
    tax: usd(row.lost_tax_atoms),
    bonus: usd(row.lost_bonus_atoms),
  },
  owed: usd(row.owed_atoms),
  createdAt: row.created_at,
  closedAt: row.closed_at,
});
