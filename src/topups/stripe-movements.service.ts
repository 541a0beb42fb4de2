import { Injectable } from '@nestjs/common';
import type { Tx } from '../database/tx';
import { entryCorrected } from '../ledger/entries';
import type { JournalEntry } from '../ledger/journal-entry';
import { LedgerRefusedError } from '../ledger/ledger-error';
import { LedgerService } from '../ledger/ledger.service';
import { ownMovement } from '../ledger/payout-entries';
import type { StripeTransaction } from './stripe-transaction';
import { centsToUsd } from './topup';

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
    await this.explain(tx, movement.id, await this.post(tx, entry));
    return true;
  }

  private async post(tx: Tx, entry: JournalEntry): Promise<string> {
    const verdict = await this.ledger.postIn(tx, entry);
    if (verdict.verdict === 'posted' || verdict.verdict === 'replayed') return verdict.entryId;
    throw new LedgerRefusedError(entry.key, verdict.verdict);
  }

  /**
   * A charge's movement is explained by the entry of its payment, if that is on the books; the fee in it by the same
   * entry or by one of its own (`stripe-fee:<payment intent>`).
   */
  async bindPayment(tx: Tx, movement: StripeTransaction): Promise<void> {
    const bound = await this.see(tx, movement);
    if (bound !== null && !(await this.isSubmission(tx, bound))) return;
    const [payment] = await tx.query<{ entry_id: bigint | null }>(
      'SELECT entry_id FROM stripe_payments WHERE payment_intent_id = $1',
      [movement.paymentIntentId],
    );
    if (payment?.entry_id == null) return;
    if (bound !== null) await this.takeBack(tx, movement, bound);
    await this.explain(tx, movement.id, String(payment.entry_id));
  }

  /** A bank debit was counted before it was paid: the entry of its payment stands for it now. */
  private async takeBack(tx: Tx, { id: transactionId, amount, fee }: StripeTransaction, entryId: string) {
    const moved = { transactionId, moved: centsToUsd(amount), fee: centsToUsd(fee) };
    const { postings, customerId } = ownMovement('debit_submitted', moved);
    const entry = { entryId: BigInt(entryId), customerId, postings, reason: 'the debit was paid' };
    await this.post(tx, entryCorrected(entry));
  }

  private async isSubmission(tx: Tx, entryId: string): Promise<boolean> {
    const sql = `SELECT FROM journal_entries WHERE id = $1 AND kind = 'debit_submitted'`;
    return (await tx.query(sql, [entryId])).length > 0;
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
