import { type Money, smaller, usdToUsdcAtPar } from '../common/money';
import type { Hold } from './payment-scheme';

/**
 * What a charge in USD takes from a hold: on a chain rounded up to the micro-USDC. From a capped hold never more than was
 * held, since the operator bears an overrun there; from others the exact charge, which may exceed the hold.
 */
export function chargedTo(hold: Pick<Hold, 'amount' | 'capped'>, charge: Money): Money {
  const wanted = hold.amount.asset === 'USDC' ? usdToUsdcAtPar(charge) : charge;
  return hold.capped ? smaller(wanted, hold.amount) : wanted;
}
