import { type Money, usdc, usdToUsdcAtPar } from '../common/money';
import type { Work } from './payment-scheme';

/** What a call can cost at most, in micro-USDC rounded up. At least one atom: a chain moves whole ones, and nothing is free. */
export function usdcCeiling({ quote }: Pick<Work, 'quote'>): Money {
  const ceiling = usdToUsdcAtPar(quote.ceiling);
  return ceiling.atoms > 0n ? ceiling : usdc(1n);
}
