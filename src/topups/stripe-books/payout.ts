export const PAYOUT_STATES = ['pending', 'in_transit', 'paid', 'failed', 'canceled'] as const;
/** As Stripe calls them: https://docs.stripe.com/api/payouts/object#payout_object-status */
export type PayoutState = (typeof PAYOUT_STATES)[number];

/**
 * What a payout may become. A bank may send back also what it had taken; nothing follows that, or a cancellation: what
 * is told later is old. Money that came back goes out with another payout.
 */
const NEXT: Readonly<Record<PayoutState, readonly PayoutState[]>> = {
  pending: ['in_transit', 'paid', 'failed', 'canceled'],
  in_transit: ['paid', 'failed', 'canceled'],
  paid: ['failed'],
  failed: [],
  canceled: [],
};

/** The state after Stripe says `status`; `undefined` when that is old, or no status that we know. */
export const nextPayoutState = (state: PayoutState, status: string): PayoutState | undefined =>
  NEXT[state].find((next) => next === status);

/** What a step means at the bank: it has the money, or has it no more. */
export function atTheBank(from: PayoutState, to: PayoutState): 'landed' | 'bounced' | undefined {
  if (to === 'paid') return 'landed';
  return from === 'paid' ? 'bounced' : undefined;
}

/** A movement as far as paying out is concerned; amounts in smallest units. */
export interface PaidOut {
  readonly id: string;
  readonly net: number;
}

/**
 * What the transactions behind an automatic payout add up to, less its amount: 0 when it ties out. Its own transaction
 * is listed among them. https://docs.stripe.com/payouts/reconciliation
 */
export const differenceOf = (amount: number, own: string | null, transactions: readonly PaidOut[]): number =>
  transactions.filter(({ id }) => id !== own).reduce((sum, { net }) => sum + net, 0) - amount;

/**
 * What Stripe lists behind no payout is tied out by date: what had become available until a manual payout was made, and
 * had not been paid out, must have sufficed. 0 when it did, negative for what is missing.
 * @param available without the payout itself, in smallest units
 */
export const shortfallOf = (amount: number, available: bigint): bigint =>
  available >= BigInt(amount) ? 0n : available - BigInt(amount);
