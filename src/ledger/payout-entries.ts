import type { Money } from '../common/money';
import { positive } from './entries';
import type { JournalEntry, Posting } from './journal-entry';
import {
  bank,
  type LedgerAccount,
  stripeClearing,
  stripeFees,
  stripePayouts,
  stripeProcessing,
  stripeReserve,
} from './ledger-account';

/*
 * Movements of money between Stripe's balance and the bank, and what Stripe takes and keeps back by itself. In USD.
 * Stripe's amounts have a sign, postings have none: what is negative goes the other way.
 */

/** A movement of Stripe's balance. */
export interface BalanceMovement {
  readonly transactionId: string;
  /** Without the fee; negative for what leaves the balance. */
  readonly moved: Money;
  /** What Stripe keeps beside; negative for what it gives back. */
  readonly fee: Money;
}

/** A payout has left Stripe's balance, or has come back to it because it failed or was cancelled. */
export const payoutMoved = (
  kind: 'payout_sent' | 'payout_returned',
  payout: BalanceMovement & { payoutId: string },
): JournalEntry => ({
  ...movement(kind, payout, stripePayouts()),
  memo: { payout: payout.payoutId, transaction: payout.transactionId },
});

/** The bank has a payout. `amount` is negative for one that took money from the bank. */
export const payoutLanded = (payout: { payoutId: string; amount: Money }): JournalEntry => ({
  key: `payout:${payout.payoutId}:paid`,
  kind: 'payout_landed',
  customerId: null,
  memo: { payout: payout.payoutId },
  postings: signed(bank(), stripePayouts(), payout.amount),
});

/** The bank had a payout, and has sent it back. */
export const payoutBounced = (payout: { payoutId: string; amount: Money }): JournalEntry => ({
  key: `payout:${payout.payoutId}:bounced`,
  kind: 'payout_bounced',
  customerId: null,
  memo: { payout: payout.payoutId },
  postings: signed(stripePayouts(), bank(), payout.amount),
});

/**
 * What moves Stripe's balance without anybody's payment: a charge of Stripe's own, money that the operator put there
 * from the bank, what Stripe keeps back for a while, and a bank debit that is submitted, or that the bank refused then.
 */
export type OwnMovementKind =
  'stripe_charge' | 'stripe_topped_up' | 'reserve_moved' | 'debit_submitted' | 'debit_failed';

/** The other side of each. */
const OTHER_SIDE: Readonly<Record<OwnMovementKind, () => LedgerAccount>> = {
  stripe_charge: stripeFees,
  stripe_topped_up: bank,
  reserve_moved: stripeReserve,
  debit_submitted: stripeProcessing,
  debit_failed: stripeProcessing,
};

export const ownMovement = (kind: OwnMovementKind, moved: BalanceMovement): JournalEntry => ({
  ...movement(kind, moved, OTHER_SIDE[kind]()),
  memo: { transaction: moved.transactionId },
});

const movement = (kind: string, { transactionId, moved, fee }: BalanceMovement, other: LedgerAccount) => ({
  key: `stripe-txn:${transactionId}`,
  kind,
  customerId: null,
  postings: [...signed(stripeClearing(), other, moved), ...signed(stripeFees(), stripeClearing(), fee)],
});

const signed = (from: LedgerAccount, to: LedgerAccount, amount: Money): Posting[] =>
  amount.atoms < 0n
    ? positive({ from: to, to: from, amount: { ...amount, atoms: -amount.atoms } })
    : positive({ from, to, amount });
