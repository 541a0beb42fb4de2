import type Stripe from 'stripe';
import { requireCustomer } from './customers';
import { type CardInput, cardBehaviour, findPaymentMethod, newCard } from './card';
import { listPage } from './list-page';
import { type Decline } from './magic-cards';
import { type Params } from './params';
import { type Call, type Route } from './route';
import { type Caller, type Simulation } from './simulation';
import { StripeFault, badParameter, badState, noSuch } from './stripe-fault';

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
