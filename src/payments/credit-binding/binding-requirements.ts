import type { Money } from '../../common/money';
import { centsCeiling } from '../authority/cents';
import type { PaymentRequirements } from '../payment-scheme';
import { WIRE_SCHEME } from './binding-payment';
import type { CreditAuthority } from './credit-authority';

/** The draft knows no amount below the smallest unit of its currency. */
const ONE_CENT = 1n;
/** On top of the longest work. */
const SETTLE_SECONDS = 60;

/** One row of `accepts`: the ceiling in US cents, rounded up; none while the authority does not sign. */
export function bindingRequirements(
  { network, extra }: Pick<CreditAuthority, 'network' | 'extra'>,
  ceiling: Money,
  workMs: number,
): PaymentRequirements[] {
  if (network === undefined) return [];
  const cents = centsCeiling(ceiling);
  return [
    {
      scheme: WIRE_SCHEME,
      network,
      amount: (cents > ONE_CENT ? cents : ONE_CENT).toString(),
      asset: 'USD',
      payTo: 'merchant',
      maxTimeoutSeconds: Math.ceil(workMs / 1000) + SETTLE_SECONDS,
      extra,
    },
  ];
}
