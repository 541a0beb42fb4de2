import type Stripe from 'stripe';
import { requireCustomer } from './customers';
import { newId } from './ids';
import { listPage } from './list-page';
import { type Decline, type MagicCard, NOT_A_TEST_CARD, findMagicCard, passesLuhn } from './magic-cards';
import { type Params } from './params';
import { type Call, type Route } from './route';
import { type Caller, type Simulation } from './simulation';
import { StripeFault, badParameter, badState, noSuch } from './stripe-fault';

/** A card as a person types it; the year has four digits. */
export interface CardInput {
  number: string;
  expMonth: number;
  expYear: number;
  cvc: string | null;
}

/** https://docs.stripe.com/api/payment_methods, cards only */
export const paymentMethodRoutes: readonly Route[] = [
  { method: 'POST', path: '/v1/payment_methods', handle: create },
  {
    method: 'GET',
    path: '/v1/payment_methods',
    handle: (call) => list(call, call.params.optional('customer') ?? null, ['customer']),
  },
  { method: 'GET', path: '/v1/payment_methods/:id', handle: retrieve },
  { method: 'POST', path: '/v1/payment_methods/:id/attach', handle: attach },
  { method: 'POST', path: '/v1/payment_methods/:id/detach', handle: detach },
  {
    method: 'GET',
    path: '/v1/customers/:id/payment_methods',
    handle: (call) => list(call, requireCustomer(call.sim, call.id, 'customer', 404).id, []),
  },
];

/** The payment method of an id; a published test id (`pm_card_visa`) makes a new one each time, as at Stripe. */
export function findPaymentMethod(sim: Simulation, id: string): Stripe.PaymentMethod | undefined {
  const magic = findMagicCard(id);
  if (magic === undefined) return sim.store.get('payment_methods', id);
  const expYear = new Date().getUTCFullYear() + 1;
  return newCard(sim, { number: magic.number, expMonth: 12, expYear, cvc: '123' });
}

/** How the card behind a payment method behaves; a number nobody published is declined as "not a test card". */
export function cardBehaviour(sim: Simulation, method: Stripe.PaymentMethod): Partial<MagicCard> {
  const number = sim.store.get('card_numbers', method.id)?.number ?? '';
  return findMagicCard(number) ?? { decline: NOT_A_TEST_CARD };
}

/** Throws 402 (`card_error`) for a card that cannot exist: wrong check digit, past its date, no security code. */
export function newCard(sim: Simulation, card: CardInput): Stripe.PaymentMethod {
  const { number, expMonth, expYear, cvc } = card;
  const magic = findMagicCard(number);
  if (magic === undefined && !passesLuhn(number)) throw cardFault('incorrect_number', 'Your card number is incorrect.');
  const today = new Date();
  if (!(expMonth >= 1 && expMonth <= 12))
    throw cardFault('invalid_expiry_month', "Your card's expiration month is invalid.");
  const monthsLeft = (expYear - today.getUTCFullYear()) * 12 + expMonth - (today.getUTCMonth() + 1);
  if (!(monthsLeft >= 0)) throw cardFault('invalid_expiry_year', "Your card's expiration year is invalid.");
  if (cvc !== null && !/^\d{3,4}$/.test(cvc)) throw cardFault('invalid_cvc', "Your card's security code is invalid.");
  const method = blankMethod(sim, 'card');
  method.card = {
    brand: magic?.brand ?? 'visa',
    checks: {
      address_line1_check: null,
      address_postal_code_check: null,
      cvc_check: cvc === null ? null : 'unchecked',
    },
    country: 'US',
    display_brand: magic?.brand ?? 'visa',
    exp_month: expMonth,
    exp_year: expYear,
    fingerprint: fingerprintOf(number),
    funding: 'credit',
    generated_from: null,
    last4: number.slice(-4),
    networks: { available: [magic?.brand ?? 'visa'], preferred: null },
    regulated_status: 'unregulated',
    three_d_secure_usage: { supported: true },
    wallet: null,
  };
  sim.store.put('card_numbers', { id: method.id, number });
  return sim.store.put('payment_methods', method);
}

/** The bank account behind "pay later": a debit that takes days to succeed or fail. */
export function newBankAccount(sim: Simulation): Stripe.PaymentMethod {
  const method = blankMethod(sim, 'us_bank_account');
  method.us_bank_account = {
    account_holder_type: 'individual',
    account_type: 'checking',
    bank_name: 'STRIPE TEST BANK',
    financial_connections_account: null,
    fingerprint: fingerprintOf('000123456789'),
    last4: '6789',
    networks: null,
    routing_number: '110000000',
    status_details: null,
  };
  return sim.store.put('payment_methods', method);
}

export function attachTo(sim: Simulation, method: Stripe.PaymentMethod, customer: string, caller: Caller): void {
  if (method.customer === customer) return;
  method.customer = customer;
  sim.store.put('payment_methods', method);
  sim.emit(caller, 'payment_method.attached', method);
}

/** 402 with what the bank said. */
export function declineFault(
  decline: Decline,
  more: { charge?: string; payment_intent?: Stripe.PaymentIntent } = {},
): StripeFault {
  const { code, decline_code, advice_code, message } = decline;
  const advice = advice_code === null ? {} : { advice_code };
  return new StripeFault(402, { type: 'card_error', code, decline_code, ...advice, message, ...more });
}

function create({ sim, params }: Call): Stripe.PaymentMethod {
  params.only('allow_redisplay', 'billing_details', 'card', 'metadata', 'type');
  const type = params.string('type');
  const card = params.hash('card');
  if (type !== 'card' || !card)
    throw badParameter('parameter_invalid', "The simulator takes type 'card' with card[…].", 'type');
  const method = card.has('token') ? fromToken(sim, card) : newCard(sim, readCard(card));
  method.metadata = params.metadata();
  const billing = params.hash('billing_details');
  for (const field of ['email', 'name', 'phone'] as const) {
    method.billing_details[field] = billing?.optional(field) ?? null;
  }
  return sim.store.put('payment_methods', method);
}

function fromToken(sim: Simulation, card: Params): Stripe.PaymentMethod {
  const token = card.string('token');
  const method = findPaymentMethod(sim, token.replace(/^tok_/, 'pm_card_'));
  if (method === undefined) throw noSuch('token', token, 'card[token]');
  return method;
}

function readCard(card: Params): CardInput {
  card.only('cvc', 'exp_month', 'exp_year', 'networks', 'number');
  const year = card.integer('exp_year');
  return {
    number: card.string('number').replaceAll(/[ -]/g, ''),
    expMonth: card.integer('exp_month'),
    expYear: year < 100 ? 2000 + year : year,
    cvc: card.optional('cvc') ?? null,
  };
}

function retrieve({ sim, params, id }: Call): Stripe.PaymentMethod {
  params.only();
  return requireMethod(sim, id);
}

function attach({ sim, params, id, caller }: Call): Stripe.PaymentMethod {
  params.only('customer');
  const method = requireMethod(sim, id);
  const customer = requireCustomer(sim, params.string('customer'));
  if (method.customer !== null && method.customer !== customer.id) {
    throw badState(undefined, 'The payment method you provided has already been attached to a customer.');
  }
  const { decline, failsToAttach } = cardBehaviour(sim, method);
  if (decline !== undefined && failsToAttach) throw declineFault(decline);
  attachTo(sim, method, customer.id, caller);
  return method;
}

function detach({ sim, params, id, caller }: Call): Stripe.PaymentMethod {
  params.only();
  const method = requireMethod(sim, id);
  const customer = method.customer;
  if (customer === null) throw badState(undefined, 'The payment method you provided is not attached to a customer.');
  method.customer = null;
  sim.store.put('payment_methods', method);
  sim.emit(caller, 'payment_method.detached', method, { customer });
  return method;
}

function list(call: Call, customer: string | null, filters: string[]): object {
  const type = call.params.optional('type');
  const rows = call.sim.store
    .all('payment_methods')
    .filter((row) => row.customer !== null && row.customer === customer && (!type || row.type === type));
  return listPage(call, rows, ['type', ...filters]);
}

function requireMethod(sim: Simulation, id: string): Stripe.PaymentMethod {
  const method = findPaymentMethod(sim, id);
  if (method === undefined) throw noSuch('PaymentMethod', id, 'payment_method', 404);
  return method;
}

function blankMethod(sim: Simulation, type: Stripe.PaymentMethod.Type): Stripe.PaymentMethod {
  return {
    id: newId('pm'),
    object: 'payment_method',
    allow_redisplay: 'unspecified',
    billing_details: { address: null, email: null, name: null, phone: null, tax_id: null },
    created: sim.now(),
    customer: null,
    customer_account: null,
    livemode: false,
    metadata: {},
    type,
  };
}

/** The same number has the same fingerprint, in Stripe's length. */
function fingerprintOf(number: string): string {
  return Buffer.from(`${number.slice(-12)}simulator`)
    .toString('base64url')
    .slice(0, 16);
}

function cardFault(code: string, message: string): StripeFault {
  return new StripeFault(402, { type: 'card_error', code, message });
}
