import { type Money, usd } from '../common/money';
import { centsToUsd } from './topup';

/** Who pays in `fromCents` US cents or more at once is given `bonusCents` of promotional credit. */
export interface TopUpTier {
  readonly fromCents: number;
  readonly bonusCents: number;
}

/** The bonus of the highest tier that `credit` reaches, in USD; nothing below the lowest. */
export function bonusOf(credit: Money, tiers: readonly TopUpTier[]): Money {
  const reached = tiers.filter(({ fromCents }) => centsToUsd(fromCents).atoms <= credit.atoms);
  const best = reached.toSorted((a, b) => b.fromCents - a.fromCents)[0];
  return best ? centsToUsd(best.bonusCents) : usd(0n);
}
