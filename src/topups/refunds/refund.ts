import type { Money } from '../../common/money';

/** A card payment, or a part of it, that goes back to its payer. Amounts in USD. */
export interface Refund {
  readonly id: string;
  readonly paymentIntentId: string;
  readonly topUpId: string | null;
  /** `null`: the payment was in suspense. */
  readonly customerId: string | null;
  /** At Stripe, once it is known there. */
  readonly stripeRefundId: string | null;
  readonly origin: RefundOrigin;
  readonly forced: boolean;
  readonly reason: string | null;
  /** Smallest units of what was paid in. */
  readonly minor: bigint;
  readonly gross: Money;
  readonly credit: Money;
  readonly tax: Money;
  /** Promotional credit that was voided with it. */
  readonly bonus: Money;
  /** What of it the customer did not have any more. */
  readonly owed: Money;
  readonly state: RefundState;
  readonly failureReason: string | null;
  readonly createdAt: Date;
  readonly finishedAt: Date | null;
}

/** `bank`: it took back a debit that had been paid. */
export const REFUND_ORIGINS = ['operator', 'dashboard', 'fraud_warning', 'bank'] as const;
export type RefundOrigin = (typeof REFUND_ORIGINS)[number];

export const REFUND_STATES = ['opened', 'pending', 'succeeded', 'failed', 'rejected'] as const;
/**
 * `opened`: off the customer's credit, and Stripe may not know of it yet. `rejected`: Stripe would not begin it.
 * `failed`: the bank would not take it, perhaps after it had succeeded.
 */
export type RefundState = (typeof REFUND_STATES)[number];

/** What becomes of a refund. */
export type RefundNews = Exclude<RefundState, 'opened'>;

/** News may come twice and in any order: what has no line here changes nothing. */
const NEXT: Readonly<Record<RefundState, Partial<Record<RefundNews, RefundState>>>> = {
  opened: { pending: 'pending', succeeded: 'succeeded', failed: 'failed', rejected: 'rejected' },
  pending: { succeeded: 'succeeded', failed: 'failed' },
  succeeded: { failed: 'failed' },
  failed: {},
  rejected: {},
};

/** The state after `news`; `undefined` when the news is old. */
export const nextRefundState = (state: RefundState, news: RefundNews): RefundState | undefined => NEXT[state][news];

/** Whether what a refund took comes back with this state. */
export const isReturned = (state: RefundState): state is 'failed' | 'rejected' =>
  state === 'failed' || state === 'rejected';

/** What Stripe calls the state of a refund, in our words; `undefined` for a word that we do not know. */
export function refundNewsOf(status: string | null): RefundNews | undefined {
  switch (status) {
    case 'pending':
    case 'requires_action':
      return 'pending';
    case 'succeeded':
      return 'succeeded';
    case 'failed':
    case 'canceled':
      return 'failed';
    case null:
    default:
      return undefined;
  }
}
