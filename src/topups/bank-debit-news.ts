import { formatMoney, type Money } from '../common/money';
import type { NewNotification } from '../customers/notification';

/** A bank debit that Stripe had counted, and that its bank has refused or taken back. In USD. */
export interface FailedDebit {
  /** At Stripe: each is told of once, whether it had been credited or not. */
  readonly chargeId: string;
  readonly topUpId: string | null;
  /** `null`: nobody's that we know. */
  readonly customerId: string | null;
  readonly amount: Money;
  /** What was taken of the customer's credit, and what of that the customer did not have any more. */
  readonly taken: Money;
  readonly owed: Money;
}

/** For the operator, and for the customer if there is one. */
export function bankDebitNews({ chargeId, topUpId, customerId, amount, taken, owed }: FailedDebit): NewNotification[] {
  const kind = 'bank_debit_failed';
  const about = { charge: chargeId, topUp: topUpId, amount: formatMoney(amount) };
  const data = { ...about, taken: formatMoney(taken), owed: formatMoney(owed) };
  const operator = { customerId: null, kind, key: `bank-debit:${chargeId}`, data };
  return customerId === null ? [operator] : [operator, { ...operator, customerId, key: `${operator.key}:customer` }];
}
