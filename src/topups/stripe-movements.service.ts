import { Injectable } from '@nestjs/common';
import type { Tx } from '../database/tx';
import type { JournalEntry } from '../ledger/journal-entry';
import { LedgerRefusedError } from '../ledger/ledger-error';
import { LedgerService } from '../ledger/ledger.service';
import type { StripeTransaction } from './stripe-transaction';

/**
 * Every movement of our balance at Stripe, by its `txn_…`: whoever learns of it first (a webhook, a sweep, the nightly
 * list) books it, everybody after finds it booked. What is seen and explained by no entry stays `open`.
 */
@Injectable()
export class StripeMovements {
  constructor(private readonly ledger: LedgerService) {}

  /**
   * Books a movement under `entry`, whose key must be `stripe-txn:<id>`, unless it is booked. The accounts that `entry`
   * names must exist: make them before the transaction.
   * @returns whether this call booked it
   * @throws LedgerRefusedError
   */
  async book(tx: Tx, movement: StripeTransaction, entry: JournalEntry): Promise<boolean> {
    if ((await this.see(tx, movement)) !== null) return false;
    const verdict = await this.ledger.postIn(tx, entry);
    if (verdict.verdict !== 'posted' && verdict.verdict !== 'replayed') {
      throw new LedgerRefusedError(entry.key, verdict.verdict);
    }
    await this.explain(tx, movement.id, verdict.entryId);
    return true;
  }

  /**
   * A charge's movement is explained by the entry of its payment, if that is on the books; the fee in it by the same
   * entry or by one of its own (`stripe-fee:<payment intent>`).
   */
  async bindPayment(tx: Tx, movement: StripeTransaction): Promise<void> {
    if ((await this.see(tx, movement)) !== null) return;
    const [payment] = await tx.query<{ entry_id: bigint | null }>(
      'SELECT entry_id FROM stripe_payments WHERE payment_intent_id = $1',
      [movement.paymentIntentId],
    );
    if (payment?.entry_id != null) await this.explain(tx, movement.id, String(payment.entry_id));
  }

  /**
   * Writes down that a movement exists; its row stays locked until the commit.
   * @returns the entry that explains it, `null` while none does
   */
  async see(tx: Tx, movement: StripeTransaction): Promise<string | null> {
    const [row] = await tx.query<{ entry_id: bigint | null }>(SEE, [
      movement.id,
      movement.type,
      movement.reportingCategory,
      movement.sourceId,
      movement.paymentIntentId,
      movement.currency,
      movement.amount,
      movement.fee,
      movement.net,
      movement.createdAt,
      movement.availableAt,
    ]);
    return row?.entry_id == null ? null : String(row.entry_id);
  }

  /** Writes down many, the oldest first: in the order in which what became of a payment is seen, too. */
  async seeAll(tx: Tx, movements: readonly StripeTransaction[]): Promise<void> {
    const oldestFirst = movements.toSorted((a, b) => a.createdAt.getTime() - b.createdAt.getTime());
    for (const movement of oldestFirst) await this.see(tx, movement);
  }

  private async explain(tx: Tx, id: string, entryId: string): Promise<void> {
    await tx.query(`UPDATE stripe_transactions SET entry_id = $2, state = 'booked' WHERE id = $1`, [id, entryId]);
  }
}

/** Two that see the same movement take turns. When it becomes available is the only thing that changes. */
const SEE = `
  INSERT INTO stripe_transactions AS t (id, type, reporting_category, source_id, payment_intent_id, currency,
                                        amount_minor, fee_minor, net_minor, created_at, available_at)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
  ON CONFLICT (id) DO UPDATE SET available_at = excluded.available_at,
         payment_intent_id = coalesce(t.payment_intent_id, excluded.payment_intent_id)
  RETURNING entry_id`;
