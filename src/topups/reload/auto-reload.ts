import type { Money } from '../../common/money';
import { usd } from '../../common/money';
import { InvalidRequestError } from '../../common/billing-error';
import { centsToUsd } from '../topup';

/** When and by how much a customer's balance fills itself up. All in USD. */
export interface AutoReloadRule extends AutoReloadTerms {
  readonly customerId: string;
  readonly state: AutoReloadState;
  /** Why nothing is charged although the balance is low; snake case, `null` when nothing is in the way. */
  readonly reason: string | null;
  /** Failures in a row. */
  readonly failures: number;
  /** Not before; `null` for whenever it is needed. */
  readonly nextTryAt: Date | null;
}

export interface AutoReloadTerms {
  readonly enabled: boolean;
  /** Below it the balance is filled up. */
  readonly threshold: Money;
  /** What is charged, or a multiple of it where once does not reach the threshold. */
  readonly amount: Money;
  /** The most that is charged in a day of the customer's calendar; `null` for no bound. */
  readonly dayCap: Money | null;
  readonly monthCap: Money | null;
}

/** `needs_authentication`: its holder must pay once on a page. `suspended`: until another card, or the customer says so. */
export type AutoReloadState = 'active' | 'needs_authentication' | 'suspended';

/** What one attempt charges, or why there is none. */
export type Sized = { readonly charge: Money } | { readonly none: 'enough' | 'cap_reached' };

/**
 * Closes the gap in one charge: the smallest multiple of `amount` that lifts `balance` (posted credit less debt, may be
 * negative) to the threshold, at most what the caps leave and what one top-up may be. `left` is `null` without caps.
 */
export function sizeOf(
  { threshold, amount }: Pick<AutoReloadTerms, 'threshold' | 'amount'>,
  balance: Money,
  left: Money | null,
  bounds: { readonly minCents: number; readonly maxCents: number },
): Sized {
  const gap = threshold.atoms - balance.atoms;
  if (gap <= 0n) return { none: 'enough' };
  const times = (gap + amount.atoms - 1n) / amount.atoms;
  const most = smallest(times * amount.atoms, centsToUsd(bounds.maxCents).atoms, left?.atoms);
  // A card is charged whole cents.
  const charge = most - (most % CENT);
  return charge < centsToUsd(bounds.minCents).atoms ? { none: 'cap_reached' } : { charge: usd(charge) };
}

/** What the caps leave of a day and a month in which so much was charged; `null` without caps, never negative. */
export function leftOf(terms: AutoReloadTerms, charged: { readonly day: Money; readonly month: Money }): Money | null {
  const lefts = [
    ...(terms.dayCap ? [terms.dayCap.atoms - charged.day.atoms] : []),
    ...(terms.monthCap ? [terms.monthCap.atoms - charged.month.atoms] : []),
  ];
  if (lefts.length === 0) return null;
  const left = smallest(lefts[0] ?? 0n, ...lefts);
  return usd(left < 0n ? 0n : left);
}

const HOUR = 3600;
const WAITS = [HOUR, 6 * HOUR, 24 * HOUR, 72 * HOUR];

/** How long a card rests after so many soft declines in a row (1 is the first), in seconds. */
export const restSeconds = (failures: number): number => WAITS[Math.min(failures, WAITS.length) - 1] ?? HOUR;

/**
 * Terms under which nothing could ever be charged are refused when they are made, not found out by silence.
 * @throws InvalidRequestError `reload_amount_out_of_range`, `reload_cap_below_amount`
 */
export function assertPossible(terms: AutoReloadTerms, bounds: { minCents: number; maxCents: number }): void {
  const { amount, dayCap, monthCap } = terms;
  if (amount.atoms < centsToUsd(bounds.minCents).atoms || amount.atoms > centsToUsd(bounds.maxCents).atoms) {
    throw new InvalidRequestError({
      code: 'reload_amount_out_of_range',
      detail: 'Such an amount cannot be charged.',
      hint: `Choose amountCents from ${bounds.minCents} to ${bounds.maxCents}.`,
      members: { minCents: bounds.minCents, maxCents: bounds.maxCents },
    });
  }
  if ([dayCap, monthCap].some((cap) => cap !== null && cap.atoms < amount.atoms)) {
    throw new InvalidRequestError({
      code: 'reload_cap_below_amount',
      detail: 'A cap below the amount would stop every reload.',
      hint: 'Raise dayCapCents and monthCapCents to amountCents at least, or leave them out.',
    });
  }
}

/** Names what a customer is told once a month (UTC) while tax is added; for no customer, how all such names begin. */
export const taxNotice = (customerId: string, now: Date): string =>
  `reload-tax:${now.toISOString().slice(0, 7)}:${customerId}`;

const CENT = centsToUsd(1).atoms;

const smallest = (first: bigint, ...others: readonly (bigint | undefined)[]): bigint =>
  others.reduce<bigint>((least, other) => (other !== undefined && other < least ? other : least), first);
