import type { Money } from '../common/money';
import type { Tx } from '../database/tx';
import type { CheckoutReference } from './checkout-event';
import { nextState, type TopUpState } from './topup';

/** A top-up as booking a payment needs it, in nano-USD. */
export interface BookedTopUp {
  id: string;
  customer_id: string;
  state: TopUpState;
  payment_intent_id: string | null;
  /** Asked for. */
  atoms: bigint;
  /** ISO 4217 in lower case. */
  currency: string;
  /** What a smallest unit of `currency` is worth, fixed when the top-up was made. */
  atoms_per_minor: bigint;
  /** Promised for paying what was asked for. */
  bonus_atoms: bigint;
}

/** By the session that we made for it, or by the id that we gave that session along. */
export async function findTopUp(
  tx: Tx,
  checkout: CheckoutReference,
  lock: '' | 'FOR UPDATE',
): Promise<BookedTopUp | undefined> {
  const rows = await tx.query<BookedTopUp>(
    `SELECT id, customer_id, state, payment_intent_id, atoms, currency, atoms_per_minor, bonus_atoms FROM topups
      WHERE rail = 'card' AND (checkout_session_id = $1 OR id = $2)
      ORDER BY (checkout_session_id = $1) DESC NULLS LAST LIMIT 1 ${lock}`,
    [checkout.sessionId, checkout.topUpId],
  );
  return rows[0];
}

/** The entry of a payment that has just been written down. */
export async function rememberEntry(tx: Tx, paymentIntentId: string, entryId: string): Promise<void> {
  await tx.query('UPDATE stripe_payments SET entry_id = $2 WHERE payment_intent_id = $1', [paymentIntentId, entryId]);
}

/** What a payment brought a top-up: credit, tax, and the bonus if it was the first. */
export async function notePaid(
  tx: Tx,
  topUp: BookedTopUp,
  paid: { paymentIntentId: string; entryId: string; credit: Money; tax: Money; bonus: Money | undefined },
): Promise<void> {
  const { paymentIntentId, entryId, credit, tax, bonus } = paid;
  await tx.query(
    `UPDATE topups SET state = $2, payment_intent_id = coalesce(payment_intent_id, $3),
            entry_id = coalesce(entry_id, $4), paid_atoms = coalesce(paid_atoms, 0) + $5, tax_atoms = tax_atoms + $6,
            bonus_atoms = CASE WHEN payment_intent_id IS NULL THEN $7 ELSE bonus_atoms END,
            paid_at = coalesce(paid_at, now()) WHERE id = $1`,
    [topUp.id, nextState(topUp.state, 'paid'), paymentIntentId, entryId, credit.atoms, tax.atoms, bonus?.atoms ?? 0n],
  );
}
