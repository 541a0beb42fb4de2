import { type Money, smaller, usdToUsdcAtPar } from '../common/money';

/**
 * What a charge in USD takes from a hold: on a chain rounded up to the micro-USDC and never more than was held, since
 * the operator bears an overrun there; from prepaid credit the exact charge, which may exceed the hold.
 */
export const chargedTo = (held: Money, charge: Money): Money =>
  held.asset === 'USDC' ? smaller(usdToUsdcAtPar(charge), held) : charge;
