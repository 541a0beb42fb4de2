import { formatAtoms, type Money, usdcToUsdAtPar } from '../common/money';
import type { ChargeLine } from '../pricing/quote';

/** Lines are exact to the femto-USD, 10^-15. */
const LINE_SCALE = 15;
const FEMTO_PER_NANO = 1_000_000n;
/** Half up to the nano-USD moves less than that; up to the micro-USDC less than 1,000 nano-USD. */
const ROUNDING_FEMTO = { USD: FEMTO_PER_NANO, USDC: 1000n * FEMTO_PER_NANO };

/** How an invoice's lines come to its amount. Plain decimals of USD. */
export interface LineSum {
  readonly sum: string;
  /** What is between the lines and the amount; `undefined` when nothing is. */
  readonly difference: { readonly amount: string; readonly name: 'Rounding' | 'Adjustment' } | undefined;
}

/** Adds the lines, and names what the amount differs from them by: a rounding, or a bound on what the caller pays. */
export function sumOfLines(lines: readonly ChargeLine[], amount: Money): LineSum {
  const sum = lines.reduce((total, line) => total + toFemto(line.amount), 0n);
  const asset = amount.asset === 'USD' ? 'USD' : 'USDC';
  const paid = (asset === 'USD' ? amount : usdcToUsdAtPar(amount)).atoms * FEMTO_PER_NANO;
  const difference = paid - sum;
  if (difference === 0n) return { sum: formatAtoms(sum, LINE_SCALE), difference: undefined };
  const size = difference < 0n ? -difference : difference;
  return {
    sum: formatAtoms(sum, LINE_SCALE),
    difference: {
      amount: formatAtoms(difference, LINE_SCALE),
      name: size < ROUNDING_FEMTO[asset] ? 'Rounding' : 'Adjustment',
    },
  };
}

function toFemto(decimal: string): bigint {
  const [whole = '0', fraction = ''] = decimal.split('.');
  return BigInt(whole) * 10n ** BigInt(LINE_SCALE) + BigInt(fraction.padEnd(LINE_SCALE, '0'));
}
