import { ASSETS, type AssetCode } from './asset';
import { BillingError } from './billing-error';

/** An exact amount: whole atoms of one asset, of either sign. Never a `number`. */
export interface Money {
  readonly asset: AssetCode;
  readonly atoms: bigint;
}

export const usd = (atoms: bigint): Money => ({ asset: 'USD', atoms });
export const usdc = (atoms: bigint): Money => ({ asset: 'USDC', atoms });

/** Wei as gwei of the chain's coin, rounded up: a cost is never counted as less than it was. */
export const ethOfWei = (wei: bigint): Money => ({ asset: 'ETH', atoms: ceilDivide(wei, 1_000_000_000n) });

/** @throws MoneyError `asset_mismatch` when the assets differ. */
export function plus(a: Money, b: Money): Money {
  assertSameAsset(a, b);
  return { asset: a.asset, atoms: a.atoms + b.atoms };
}

/** @throws MoneyError `asset_mismatch` when the assets differ. */
export function minus(a: Money, b: Money): Money {
  assertSameAsset(a, b);
  return { asset: a.asset, atoms: a.atoms - b.atoms };
}

/** @throws MoneyError `asset_mismatch` when the assets differ. */
export function smaller(a: Money, b: Money): Money {
  assertSameAsset(a, b);
  return a.atoms <= b.atoms ? a : b;
}

/** Whole units as a plain decimal without trailing zeros: `usd(1_500_000n)` is `"0.0015"`. */
export function formatMoney(money: Money): string {
  return formatAtoms(money.atoms, ASSETS[money.asset].scale);
}

/** An integer of `10^-scale` units as a plain decimal without trailing zeros. */
export function formatAtoms(atoms: bigint, scale: number): string {
  const sign = atoms < 0n ? '-' : '';
  const digits = (atoms < 0n ? -atoms : atoms).toString().padStart(scale + 1, '0');
  const whole = digits.slice(0, digits.length - scale);
  const fraction = digits.slice(digits.length - scale).replace(/0+$/, '');
  return fraction === '' ? `${sign}${whole}` : `${sign}${whole}.${fraction}`;
}

/**
 * Reads a plain decimal such as `"12.5"` exactly.
 * @throws MoneyError `invalid_amount` for anything else, or for more digits than the asset has.
 */
export function parseMoney(text: string, asset: AssetCode): Money {
  const match = /^(-?)(\d{1,15})(?:\.(\d+))?$/.exec(text);
  const { scale } = ASSETS[asset];
  const fraction = match?.[3] ?? '';
  if (!match || fraction.length > scale) {
    throw new MoneyError('invalid_amount', `"${text.slice(0, 40)}" is not an amount of ${asset}.`, {
      hint: `Write a plain decimal with at most ${scale} digits behind the point.`,
    });
  }
  const atoms = BigInt(`${match[2]}${fraction.padEnd(scale, '0')}`);
  return { asset, atoms: match[1] === '-' ? -atoms : atoms };
}

/**
 * Nano-USD as micro-USDC at par, rounded up: towards a chain nothing is lost to the operator.
 * The par policy is configuration of the product's books, not a market rate.
 */
export function usdToUsdcAtPar(amount: Money): Money {
  if (amount.asset !== 'USD') throw new MoneyError('asset_mismatch', `${amount.asset} is not USD.`);
  return usdc(ceilDivide(amount.atoms, 1000n));
}

/** Micro-USDC as nano-USD at par: exact, because USD is the finer asset. */
export function usdcToUsdAtPar(amount: Money): Money {
  if (amount.asset !== 'USDC') throw new MoneyError('asset_mismatch', `${amount.asset} is not USDC.`);
  return usd(amount.atoms * 1000n);
}

/** Rounds towards positive infinity. */
export function ceilDivide(value: bigint, divisor: bigint): bigint {
  const quotient = value / divisor;
  return value % divisor > 0n ? quotient + 1n : quotient;
}

/** Rounds to the nearest integer; a half goes away from zero for positive values ("half up"). Positive divisor only. */
export function divideHalfUp(value: bigint, divisor: bigint): bigint {
  const doubled = value * 2n + divisor;
  const quotient = doubled / (divisor * 2n);
  return doubled % (divisor * 2n) < 0n ? quotient - 1n : quotient;
}

export class MoneyError extends BillingError {
  constructor(code: 'asset_mismatch' | 'invalid_amount', detail: string, more: { hint?: string } = {}) {
    super({ code, status: code === 'invalid_amount' ? 400 : 500, title: 'Money cannot be read', detail, ...more });
  }
}

function assertSameAsset(a: Money, b: Money): void {
  if (a.asset !== b.asset) throw new MoneyError('asset_mismatch', `${a.asset} and ${b.asset} never meet.`);
}
