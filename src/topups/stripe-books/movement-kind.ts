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

/** Types whose source is asked for, and has an entry of the part that knows such objects. */
export const ASKED_FOR: readonly string[] = [
  ...['charge', 'payment', 'payment_failure_refund'],
  ...['refund', 'payment_refund', 'refund_failure'],
  'adjustment',
  ...['payout', 'payout_cancel', 'payout_failure'],
];

const CONNECT = 'It is of connected accounts, which Tollbridge has none of.';
const ISSUING = 'It is of issued cards, which Tollbridge does not use.';
const FINANCE = 'It is of an advance by Stripe, which finance books by its contract.';

/** Types of products that Tollbridge does not use: a finding each, and a person books them. */
const FOREIGN: Readonly<Record<string, string>> = {
  advance: FINANCE,
  advance_funding: FINANCE,
  anticipation_repayment: FINANCE,
  application_fee: CONNECT,
  application_fee_refund: CONNECT,
  climate_order_purchase: 'An order at Stripe Climate, made in the Stripe dashboard.',
  climate_order_refund: 'An order at Stripe Climate, taken back.',
  connect_collection_transfer: CONNECT,
  contribution: 'A contribution to Stripe Climate, which the Stripe dashboard switches on and off.',
  fee_credit_funding: 'Stripe gave credit for its own fees.',
  inbound_transfer: 'Money from a bank account, by hand in the Stripe dashboard.',
  inbound_transfer_reversal: 'Money from a bank account, taken back by its bank.',
  issuing_authorization_hold: ISSUING,
  issuing_authorization_release: ISSUING,
  issuing_dispute: ISSUING,
  issuing_dispute_provisional_credit: ISSUING,
  issuing_dispute_provisional_credit_reversal: ISSUING,
  issuing_transaction: ISSUING,
  obligation_outbound: CONNECT,
  obligation_reversal_inbound: CONNECT,
  payment_reversal:
    'A bank transfer to a balance of a customer at Stripe, taken back: Tollbridge uses no such balances.',
  payment_unreconciled: 'A bank transfer to a balance of a customer at Stripe that nobody has used.',
  stripe_balance_payment_debit: CONNECT,
  stripe_balance_payment_debit_reversal: CONNECT,
  tax_fund: 'Tax that Stripe collects to file it: it leaves tax:payable when the office has it.',
  transfer: CONNECT,
  transfer_cancel: CONNECT,
  transfer_failure: CONNECT,
  transfer_refund: CONNECT,
};

const CAUSES: Readonly<Record<string, string>> = {
  charge:
    'A charge that was not made through a payment intent, or in a currency that no top-up asked for. Find its payer in the Stripe dashboard; refund it, or move it to whom it belongs.',
  refund: 'A refund of a payment that is not on the books. Find the payment in the Stripe dashboard first.',
  refund_failure:
    'A refund came back whose payment is not on the books. Find the payment in the Stripe dashboard first.',
  payment_failure_refund:
    'The bank refused a debit whose payment cannot be found, or is in a currency that the books do not keep. Find it in the Stripe dashboard first.',
  adjustment:
    'Stripe corrected the balance by hand, or a dispute of a payment that is not on the books. The description in the Stripe dashboard says which.',
};

const ALIKE: Readonly<Record<string, string>> = { payment: 'charge', payment_refund: 'refund' };

/** How a movement of this type comes onto the books; `undefined` for a type that this table does not know. */
export function handlingOf(type: string): 'own' | 'asked_for' | 'finding' | undefined {
  if (ownKindOf(type)) return 'own';
  if (ASKED_FOR.includes(type)) return 'asked_for';
  return Object.hasOwn(FOREIGN, type) ? 'finding' : undefined;
}

/** What most likely caused a movement that no entry explains, and what to do. */
export function likelyCauseOf(type: string): string {
  const known = ALIKE[type] ?? type;
  if (Object.hasOwn(CAUSES, known)) return CAUSES[known] as string;
  const what = Object.hasOwn(FOREIGN, type) ? `${FOREIGN[type]} ` : '';
  return `${what}Tollbridge has no entry for movements of the type ${type}. Look it up in the Stripe dashboard and book what it was for.`;
}
