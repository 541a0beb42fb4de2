import type { OwnMovementKind } from '../../ledger/payout-entries';

/** Types of movements that nobody's payment, refund, dispute or payout causes. */
const OWN: Readonly<Record<string, OwnMovementKind>> = {
  stripe_fee: 'stripe_charge',
  stripe_fx_fee: 'stripe_charge',
  tax_fee: 'stripe_charge',
  topup: 'stripe_topped_up',
  topup_reversal: 'stripe_topped_up',
  reserve_hold: 'reserve_moved',
  reserve_release: 'reserve_moved',
  reserve_transaction: 'reserve_moved',
  reserved_funds: 'reserve_moved',
  payout_minimum_balance_hold: 'reserve_moved',
  payout_minimum_balance_release: 'reserve_moved',
  payment_network_reserve_hold: 'reserve_moved',
  payment_network_reserve_release: 'reserve_moved',
};

/**
 * The entry that a movement of Stripe's own gets by its type alone; `undefined` for what has a cause that must be asked
 * for, and for what needs a person. https://docs.stripe.com/reports/balance-transaction-types
 */
export const ownKindOf = (type: string): OwnMovementKind | undefined =>
  Object.hasOwn(OWN, type) ? OWN[type] : undefined;

const CAUSES: Readonly<Record<string, string>> = {
  charge:
    'A charge that was not made through a payment intent, or in a currency that no top-up asked for. Find its payer in the Stripe dashboard; refund it, or move it to whom it belongs.',
  refund: 'A refund of a payment that is not on the books. Find the payment in the Stripe dashboard first.',
  refund_failure:
    'A refund came back whose payment is not on the books. Find the payment in the Stripe dashboard first.',
  payment_failure_refund:
    'The bank took back a debit that had been paid. Refund the top-up of this payment on our side, or write it off.',
  adjustment:
    'Stripe corrected the balance by hand, or a dispute of a payment that is not on the books. The description in the Stripe dashboard says which.',
  transfer:
    'A transfer to a connected account, which Tollbridge never makes. Find out who did, and book what it was for.',
};

const ALIKE: Readonly<Record<string, string>> = {
  payment: 'charge',
  payment_refund: 'refund',
  payment_reversal: 'refund',
  transfer_cancel: 'transfer',
  transfer_failure: 'transfer',
  transfer_refund: 'transfer',
};

/** What most likely caused a movement that no entry explains, and what to do. */
export function likelyCauseOf(type: string): string {
  const known = ALIKE[type] ?? type;
  if (Object.hasOwn(CAUSES, known)) return CAUSES[known] as string;
  return `Tollbridge has no entry for movements of the type ${type}. Look it up in the Stripe dashboard and book what it was for.`;
}
