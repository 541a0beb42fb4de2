import { ceilDivide, type Money, usd } from '../../common/money';

/*
 * The wire of the `credit` binding counts in US cents, the ledger in nano-USD. A call costs a fraction of a cent: what
 * is attested is rounded up to whole cents, what is charged is exact.
 */

const NANO_PER_CENT = 10_000_000n;

/** Whole US cents that are at least this much USD. */
export function centsCeiling(amount: Money): bigint {
  if (amount.asset !== 'USD') throw new TypeError(`${amount.asset} is not counted in cents`);
  return ceilDivide(amount.atoms, NANO_PER_CENT);
}

/** Whole US cents that are at most this much USD. */
export const centsFloor = (amount: Money): bigint => -centsCeiling({ ...amount, atoms: -amount.atoms });

export const fromCents = (cents: bigint): Money => usd(cents * NANO_PER_CENT);

/**
 * Cents as a decimal without sign or leading zeros, below $1 billion, as a ledger column holds them.
 * `undefined` for anything else.
 */
export const readCents = (text: unknown): bigint | undefined =>
  typeof text === 'string' && /^(0|[1-9]\d{0,10})$/.test(text) ? BigInt(text) : undefined;
