import type { Money } from '../common/money';
import { usd } from '../common/money';
import { AmountOutOfRangeError } from './topup-error';

/** Money that a customer pays in. `amount` was asked for; `paid` is what arrived, over all payments. */
export interface TopUp {
  readonly id: string;
  readonly customerId: string;
  readonly rail: 'card' | 'usdc';
  readonly state: TopUpState;
  readonly amount: Money;
  readonly paid: Money | null;
  /** Promised while it is not paid, given afterwards. */
  readonly bonus: Money;
  /** Of all payments; on top of `paid`. */
  readonly tax: Money;
  /** What the customer pays in, ISO 4217 in lower case. */
  readonly currency: string;
  /** `reload`: it started itself. */
  readonly origin: 'checkout' | 'reload';
  /** Where to pay by card, while it can be paid. */
  readonly url: string | null;
  readonly createdAt: Date;
  readonly paidAt: Date | null;
}

export const TOP_UP_STATES = ['pending', 'processing', 'paid', 'failed', 'expired', 'refunded', 'disputed'] as const;
/**
 * `processing`: the customer is done, a bank debit is on its way. `refunded`: all that was paid went back, by refunds or
 * by a dispute that was lost. `disputed`: a bank has not decided yet.
 */
export type TopUpState = (typeof TOP_UP_STATES)[number];

/** What Stripe tells of a checkout. */
export type TopUpNews = 'awaiting_bank' | 'paid' | 'failed' | 'expired';

/**
 * The next state. News may arrive twice and in any order, so whatever has no line here changes nothing; only money
 * always counts, also for a top-up that was thought to be over.
 */
const NEXT: Readonly<Record<TopUpState, Partial<Record<TopUpNews, TopUpState>>>> = {
  pending: { awaiting_bank: 'processing', paid: 'paid', failed: 'failed', expired: 'expired' },
  processing: { paid: 'paid', failed: 'failed' },
  failed: { paid: 'paid' },
  expired: { paid: 'paid' },
  paid: {},
  refunded: { paid: 'paid' },
  disputed: {},
};

/** The state after `news`: the same one when the news is old. */
export const nextState = (state: TopUpState, news: TopUpNews): TopUpState => NEXT[state][news] ?? state;

/** Nano-USD in a US cent. */
export const ATOMS_PER_CENT = 10_000_000n;

/** Whole smallest units of a currency, at what one of them is worth in nano-USD. */
export const inUsd = (minor: number, atomsPerMinor: bigint): Money => usd(BigInt(minor) * atomsPerMinor);

/** Whole US cents, as Stripe counts, in nano-USD: 1 cent is 10 000 000 atoms. */
export function centsToUsd(cents: number): Money {
  if (!Number.isSafeInteger(cents)) throw new RangeError('cents must be a whole number');
  return usd(BigInt(cents) * ATOMS_PER_CENT);
}

/** Nano-USD in whole US cents; what a card is charged never has a fraction of a cent. */
export function usdToCents(amount: Money): number {
  if (amount.asset !== 'USD' || amount.atoms % ATOMS_PER_CENT !== 0n) {
    throw new RangeError('the amount is not a whole number of cents');
  }
  return Number(amount.atoms / ATOMS_PER_CENT);
}

/** @throws AmountOutOfRangeError with the bounds. */
export function assertInRange(cents: number, bounds: { minCents: number; maxCents: number }): void {
  if (!Number.isSafeInteger(cents) || cents < bounds.minCents || cents > bounds.maxCents) {
    throw new AmountOutOfRangeError(cents, bounds);
  }
}
