import { type Money, minus, smaller, usd } from '../common/money';
import { positive } from './entries';
import type { JournalEntry, Posting } from './journal-entry';
import {
  customerCredits,
  customerReceivable,
  fxDifference,
  type LedgerAccount,
  promoExpense,
  stripeClearing,
  stripeFees,
  stripeRefunding,
  suspense,
  taxPayable,
} from './ledger-account';

/* Movements of money by which a card payment goes back to its payer. In USD. */

/** What goes back of a payment: its part of the credit, and of the tax that was collected with it. */
export interface PaymentPart {
  readonly paymentIntentId: string;
  /** `null` for a payment that is in suspense. */
  readonly customerId: string | null;
  readonly credit: Money;
  readonly tax: Money;
}

/** A refund is off the customer's credit. `forced`: what the customer does not have any more is owed. */
export function refundOpened(refund: PaymentPart & { refundId: string; forced: boolean }): JournalEntry {
  const { refundId, customerId, paymentIntentId, forced } = refund;
  return {
    key: `refund:${refundId}`,
    kind: 'refund_opened',
    customerId,
    memo: { refund: refundId, paymentIntent: paymentIntentId },
    postings: takenFromPayer(refund, stripeRefunding(), forced),
  };
}

/** A refund came to nothing: all that it took comes back. */
export function refundReturned(refund: PaymentPart & { refundId: string }): JournalEntry {
  const { refundId, customerId, paymentIntentId } = refund;
  return {
    key: `refund-returned:${refundId}`,
    kind: 'refund_returned',
    customerId,
    memo: { refund: refundId, paymentIntent: paymentIntentId },
    postings: givenToPayer(refund, stripeRefunding()),
  };
}

/** What of Stripe's balance moved because of a refund. */
export interface RefundMovement {
  readonly transactionId: string;
  readonly refundId: string;
  readonly customerId: string | null;
  /** As the refund was opened. */
  readonly gross: Money;
  /** As Stripe's balance moved: something else where the payment was in another currency. */
  readonly moved: Money;
  /** What Stripe keeps beside; negative for what it gives back, with a bank debit that failed. */
  readonly fee: Money;
}

/** Stripe's balance has paid a refund. */
export const refundLeft = (refund: RefundMovement): JournalEntry => ({
  ...movementOf('refund_left', refund),
  postings: [...exchanged(stripeRefunding(), stripeClearing(), refund.gross, refund.moved), ...feeOf(refund)],
});

/** A refund that had left could not be delivered: Stripe's balance has it again. */
export const refundFailed = (refund: RefundMovement): JournalEntry => ({
  ...movementOf('refund_failed', refund),
  postings: [...exchanged(stripeClearing(), stripeRefunding(), refund.moved, refund.gross), ...feeOf(refund)],
});

/** Promotional credit that came with a payment goes with it: an expense that was none. */
export function bonusVoided(bonus: { because: string; customerId: string; amount: Money }): JournalEntry {
  const { because, customerId, amount } = bonus;
  return {
    key: `bonus-voided:${because}`,
    kind: 'grant_voided',
    customerId,
    memo: { because },
    postings: [{ from: customerCredits(customerId, 'USD'), to: promoExpense(), amount }],
  };
}

/** The payment came back, and with it the bonus. */
export function bonusRestored(bonus: { because: string; customerId: string; amount: Money }): JournalEntry {
  const { because, customerId, amount } = bonus;
  return {
    key: `bonus-restored:${because}`,
    kind: 'grant_restored',
    customerId,
    memo: { because },
    postings: [{ from: promoExpense(), to: customerCredits(customerId, 'USD'), amount }],
  };
}

/** A part of a payment leaves whoever has it. */
export function takenFromPayer(
  { customerId, credit, tax }: PaymentPart,
  to: LedgerAccount,
  forced: boolean,
): Posting[] {
  const overflow = customerId !== null && forced ? { overflow: customerReceivable(customerId, 'USD') } : {};
  return [
    ...positive({ from: holderOf(customerId), to, amount: credit, ...overflow }),
    ...positive({ from: taxPayable(), to, amount: tax }),
  ];
}

/** A part of a payment comes back to whoever had it. */
export const givenToPayer = ({ customerId, credit, tax }: PaymentPart, from: LedgerAccount): Posting[] => [
  ...positive({ from, to: holderOf(customerId), amount: credit }),
  ...positive({ from, to: taxPayable(), amount: tax }),
];

/** Moves `out` of one account and `into` of it to the other; what differs is the exchange rate's. */
export function exchanged(from: LedgerAccount, to: LedgerAccount, out: Money, into: Money): Posting[] {
  return [
    ...positive({ from, to, amount: smaller(out, into) }),
    ...positive({ from, to: fxDifference(), amount: minus(out, smaller(out, into)) }),
    ...positive({ from: fxDifference(), to, amount: minus(into, smaller(out, into)) }),
  ];
}

const feeOf = ({ fee }: RefundMovement): Posting[] =>
  fee.atoms < 0n
    ? positive({ from: stripeClearing(), to: stripeFees(), amount: usd(-fee.atoms) })
    : positive({ from: stripeFees(), to: stripeClearing(), amount: fee });

const holderOf = (customerId: string | null): LedgerAccount =>
  customerId === null ? suspense('USD') : customerCredits(customerId, 'USD');

const movementOf = (kind: string, { transactionId, refundId, customerId }: RefundMovement) => ({
  key: `stripe-txn:${transactionId}`,
  kind,
  customerId,
  memo: { refund: refundId, transaction: transactionId },
});
