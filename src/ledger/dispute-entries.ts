import type { Money } from '../common/money';
import { positive } from './entries';
import type { JournalEntry, Posting } from './journal-entry';
import { disputesExpense, stripeClearing, stripeDisputed } from './ledger-account';
import { exchanged, givenToPayer, type PaymentPart, takenFromPayer } from './refund-entries';

/* Movements of money by which a payer's bank takes a card payment back. In USD. */

/** What a dispute moved of Stripe's balance. */
export interface DisputeMovement {
  readonly transactionId: string;
  readonly disputeId: string;
  readonly customerId: string | null;
  /** As the payment was booked. */
  readonly gross: Money;
  /** As Stripe's balance moved: something else where the payment was in another currency. */
  readonly moved: Money;
  /** What Stripe takes for it beside; negative for what it gives back. */
  readonly fee: Money;
}

/** The bank has taken the money; whether it stays there is open, so it is no loss yet. The fee is an expense. */
export const disputeWithdrawn = (dispute: DisputeMovement): JournalEntry =>
  movement('dispute_withdrawn', dispute, [
    ...exchanged(stripeDisputed(), stripeClearing(), dispute.gross, dispute.moved),
    ...taken(dispute.fee),
  ]);

/** The bank has given the money back, perhaps with the fee. */
export const disputeReinstated = (dispute: DisputeMovement): JournalEntry =>
  movement('dispute_reinstated', dispute, [
    ...exchanged(stripeClearing(), stripeDisputed(), dispute.moved, dispute.gross),
    ...taken(dispute.fee),
  ]);

/** The money is gone for good: off the credit that it brought, and what of that is used up is owed by the customer. */
export function disputeLost(lost: PaymentPart & { disputeId: string }): JournalEntry {
  const { disputeId, customerId, paymentIntentId } = lost;
  return {
    key: `dispute:${disputeId}:lost`,
    kind: 'dispute_lost',
    customerId,
    memo: { dispute: disputeId, paymentIntent: paymentIntentId },
    postings: takenFromPayer(lost, stripeDisputed(), true),
  };
}

/**
 * A dispute that was lost is won after all, or a part of it: the customer has again what was taken.
 * @param lost `still`: what is lost still; left out for nothing.
 */
export function disputeRestored(lost: PaymentPart & { disputeId: string; still?: Money | undefined }): JournalEntry {
  const { disputeId, customerId, paymentIntentId, still } = lost;
  return {
    // What is lost only gets less: each part has a key of its own.
    key: `dispute:${disputeId}:restored${still ? `:${still.atoms}` : ''}`,
    kind: 'dispute_restored',
    customerId,
    memo: { dispute: disputeId, paymentIntent: paymentIntentId },
    postings: givenToPayer(lost, stripeDisputed()),
  };
}

/** A fee may also be taken for money that comes back. */
const taken = (fee: Money): Posting[] =>
  fee.atoms < 0n
    ? [{ from: stripeClearing(), to: disputesExpense(), amount: { ...fee, atoms: -fee.atoms } }]
    : positive({ from: disputesExpense(), to: stripeClearing(), amount: fee });

const movement = (
  kind: string,
  { transactionId, disputeId, customerId }: DisputeMovement,
  postings: Posting[],
): JournalEntry => ({
  key: `stripe-txn:${transactionId}`,
  kind,
  customerId,
  memo: { dispute: disputeId, transaction: transactionId },
  postings,
});
