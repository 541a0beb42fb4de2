import { Injectable } from '@nestjs/common';
import type { Tx } from '../../database/tx';
import type { PayoutState } from './payout';
import type { PayoutAtStripe } from './stripe-books.client';

/** A payout as we have it. Amounts in smallest units. */
export interface Payout {
  readonly id: string;
  readonly state: PayoutState;
  readonly automatic: boolean;
  readonly method: string;
  readonly currency: string;
  readonly amount: bigint;
  /** When the bank has it, or had it. */
  readonly arrivesAt: Date;
  /** What the bank's statement names it by, once Stripe knows. */
  readonly traceId: string | null;
  readonly failureCode: string | null;
  readonly transactionId: string | null;
  readonly tiedOutAt: Date | null;
  /** 0 when its transactions add up; `null` until that was looked at. */
  readonly difference: bigint | null;
  readonly createdAt: Date;
}

/** Rows of `payouts`. */
@Injectable()
export class PayoutStore {
  /** Newest first. */
  async list(tx: Tx, limit: number): Promise<Payout[]> {
    const sql = 'SELECT * FROM payouts ORDER BY created_at DESC, id LIMIT $1';
    return (await tx.query<PayoutRow>(sql, [limit])).map(toPayout);
  }

  /** The payout with what Stripe says of it now; its row stays locked until the commit. */
  async see(tx: Tx, payout: PayoutAtStripe): Promise<Payout> {
    const [row] = await tx.query<PayoutRow>(SEE, [
      ...[payout.id, payout.automatic, payout.method, payout.currency, payout.amount, payout.arrivesAt],
      ...[payout.reconciliation, payout.failureCode, payout.traceId, payout.sent?.id ?? null, payout.back?.id ?? null],
      payout.createdAt,
    ]);
    return toPayout(row as PayoutRow);
  }

  /** Until the commit nobody else sees it. */
  async lock(tx: Tx, id: string): Promise<void> {
    await tx.query('SELECT FROM payouts WHERE id = $1 FOR NO KEY UPDATE', [id]);
  }

  async move(tx: Tx, id: string, state: PayoutState): Promise<void> {
    await tx.query('UPDATE payouts SET state = $2 WHERE id = $1', [id, state]);
  }

  /** What was behind it is known; `difference` is 0 when that adds up. */
  async tieOut(tx: Tx, id: string, difference: bigint): Promise<void> {
    await tx.query('UPDATE payouts SET tied_out_at = now(), difference_minor = $2 WHERE id = $1', [id, difference]);
  }

  /** The transactions that an automatic payout paid out. */
  async claim(tx: Tx, id: string, transactionIds: readonly string[]): Promise<void> {
    await tx.query(
      'UPDATE stripe_transactions SET payout_id = $1 WHERE id = ANY ($2) AND payout_id IS DISTINCT FROM $1',
      [id, transactionIds],
    );
  }

  /** Those that may still change at Stripe: on their way, or at a bank that may send them back. */
  async unsettled(tx: Tx): Promise<string[]> {
    const rows = await tx.query<{ id: string }>(
      `SELECT id FROM payouts
        WHERE state IN ('pending', 'in_transit') OR reconciliation = 'in_progress'
           OR (state = 'paid' AND arrives_at > now() - $1 * interval '1 day')
           OR (state IN ('failed', 'canceled') AND failure_transaction_id IS NULL) ORDER BY created_at`,
      [RETURNABLE_DAYS],
    );
    return rows.map(({ id }) => id);
  }

  /** Those whose transactions can be added up and have not been, or did not add up. Oldest first. */
  async untied(tx: Tx): Promise<Payout[]> {
    const rows = await tx.query<PayoutRow>(
      `SELECT * FROM payouts WHERE difference_minor IS DISTINCT FROM 0 AND
              (automatic AND reconciliation = 'completed' OR NOT automatic AND state = 'paid' AND amount_minor > 0)
        ORDER BY created_at`,
    );
    return rows.map(toPayout);
  }

  /** @throws Error for one that nobody has seen */
  async get(tx: Tx, id: string): Promise<Payout> {
    const [row] = await tx.query<PayoutRow>('SELECT * FROM payouts WHERE id = $1', [id]);
    if (!row) throw new Error(`payout ${id} was never seen`);
    return toPayout(row);
  }

  /**
   * What could be paid out just before a manual payout left, in smallest units of its currency: what was available, and
   * for an instant one what was pending, too.
   */
  async availableBefore(tx: Tx, payout: Payout): Promise<bigint> {
    const [row] = await tx.query<{ net: string | null }>(
      `SELECT sum(net_minor) AS net FROM stripe_transactions
        WHERE currency = $1 AND id IS DISTINCT FROM $2 AND created_at <= $3 AND ($4 OR available_at <= $3)`,
      [payout.currency, payout.transactionId, payout.createdAt, payout.method === 'instant'],
    );
    return BigInt(row?.net ?? 0);
  }
}

/** Banks take at most five business days: https://docs.stripe.com/payouts#payout-failures */
const RETURNABLE_DAYS = 10;

/** Two that see the same payout take turns. What is behind one does not become unknown again. */
const SEE = `
  INSERT INTO payouts AS p (id, state, automatic, method, currency, amount_minor, arrives_at, reconciliation,
                            failure_code, trace_id, transaction_id, failure_transaction_id, created_at)
  VALUES ($1, 'pending', $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
  ON CONFLICT (id) DO UPDATE SET arrives_at = excluded.arrives_at,
         reconciliation = CASE WHEN p.reconciliation = 'completed' THEN 'completed' ELSE excluded.reconciliation END,
         failure_code = coalesce(excluded.failure_code, p.failure_code),
         trace_id = coalesce(excluded.trace_id, p.trace_id),
         transaction_id = coalesce(p.transaction_id, excluded.transaction_id),
         failure_transaction_id = coalesce(p.failure_transaction_id, excluded.failure_transaction_id)
  RETURNING *`;

interface PayoutRow {
  id: string;
  state: PayoutState;
  automatic: boolean;
  method: string;
  currency: string;
  amount_minor: bigint;
  arrives_at: Date;
  trace_id: string | null;
  failure_code: string | null;
  transaction_id: string | null;
  tied_out_at: Date | null;
  difference_minor: bigint | null;
  created_at: Date;
}

const toPayout = (row: PayoutRow): Payout => ({
  id: row.id,
  state: row.state,
  automatic: row.automatic,
  method: row.method,
  currency: row.currency,
  amount: row.amount_minor,
  arrivesAt: row.arrives_at,
  traceId: row.trace_id,
  failureCode: row.failure_code,
  transactionId: row.transaction_id,
  tiedOutAt: row.tied_out_at,
  difference: row.difference_minor,
  createdAt: row.created_at,
});
