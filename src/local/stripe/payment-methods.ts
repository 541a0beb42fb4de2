import type Stripe from 'stripe';
import { changedFields, readAddress, requireCustomer } from './customers';
import { declineFault } from './decline';
import { type CardInput, cardBehaviour, findPaymentMethod, newCard } from './card';
import { idOf } from './ids';
import { listPage } from './list-page';
import { type Params } from './params';
import { attachTo, detach } from './payment-method-attachment';
import { type Call, type Route } from './route';
import { type Simulation } from './simulation';
import { badParameter, badState, noSuch } from './stripe-fault';

/** https://docs.stripe.com/api/payment_methods, cards only */
export const paymentMethodRoutes: readonly Route[] = [
  { method: 'POST', path: '/v1/payment_methods', handle: create },
  {
    method: 'GET',
    path: '/v1/payment_methods',
    handle: (call) => list(call, call.params.optional('customer') ?? null, ['customer']),
  },
  { method: 'GET', path: '/v1/payment_methods/:id', handle: retrieve },
  { method: 'POST', path: '/v1/payment_methods/:id', handle: update },
  { method: 'POST', path: '/v1/payment_methods/:id/attach', handle: attachRoute },
  { method: 'POST', path: '/v1/payment_methods/:id/detach', handle: detachRoute },
  {
    method: 'GET',
    path: '/v1/customers/:id/payment_methods',
    handle: (call) => list(call, requireCustomer(call.sim, call.id, 'customer', 404).id, []),
  },
  { method: 'GET', path: '/v1/customers/:customer/payment_methods/:id', handle: retrieveOfCustomer },
];

const REDISPLAY = ['always', 'limited', 'unspecified'] as const;

export function requireMethod(sim: Simulation, id: string): Stripe.PaymentMethod {
  const method = findPaymentMethod(sim, id);
  if (method === undefined) throw noSuch('PaymentMethod', id, 'payment_method', 404);
  return method;
}

function create({ sim, params }: Call): Stripe.PaymentMethod {
  params.only('allow_redisplay', 'billing_details', 'card', 'metadata', 'type');
  const type = params.string('type');
  const card = params.hash('card');
  if (type !== 'card' || !card)
    throw badParameter('parameter_invalid', "The simulator takes type 'card' with card[…].", 'type');
  const method = card.has('token') ? fromToken(sim, card) : newCard(sim, readCard(card));
  apply(method, params);
  return sim.store.put('payment_methods', method);
}

function update({ sim, params, id, caller }: Call): Stripe.PaymentMethod {
  params.only('allow_redisplay', 'billing_details', 'card', 'metadata');
  const method = requireMethod(sim, id);
  if (method.customer === null) {
    const message =
      'You must save this PaymentMethod to a customer before you can update it. Make sure that the PaymentMethod is attached.';
    throw badState(undefined, message);
  }
  const before = structuredClone(method);
  const card = params.hash('card')?.only('exp_month', 'exp_year', 'networks');
  if (method.card !== undefined && card) {
    method.card.exp_month = card.optionalInteger('exp_month', 1) ?? method.card.exp_month;
    method.card.exp_year = card.optionalInteger('exp_year', 1) ?? method.card.exp_year;
  }
  apply(method, params);
  sim.store.put('payment_methods', method);
  sim.emit(caller, 'payment_method.updated', method, changedFields(before, method));
  return method;
}

function apply(method: Stripe.PaymentMethod, params: Params): void {
  method.allow_redisplay = params.oneOf('allow_redisplay', REDISPLAY) ?? method.allow_redisplay ?? 'unspecified';
  if (params.has('metadata')) method.metadata = params.metadata(method.metadata ?? {});
  const billing = params.hash('billing_details')?.only('address', 'email', 'name', 'phone', 'tax_id');
  for (const field of ['email', 'name', 'phone', 'tax_id'] as const) {
    const value = billing?.optional(field);
    if (value !== undefined) method.billing_details[field] = value;
  }
  const address = billing?.hash('address');
  if (address !== undefined) method.billing_details.address = address === null ? null : readAddress(address);
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

function retrieveOfCustomer({ sim, params, id, path }: Call): Stripe.PaymentMethod {
  params.only();
  const customer = requireCustomer(sim, path.split('/')[3] ?? '', 'customer', 404);
  const method = sim.store.get('payment_methods', id);
  if (method === undefined || method.customer !== customer.id) throw noSuch('PaymentMethod', id, 'payment_method', 404);
  return method;
}

function retrieve({ sim, params, id }: Call): Stripe.PaymentMethod {
  params.only();
  return requireMethod(sim, id);
}

function attachRoute({ sim, params, id, caller }: Call): Stripe.PaymentMethod {
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

function detachRoute({ sim, params, id, caller }: Call): Stripe.PaymentMethod {
  params.only();
  const method = requireMethod(sim, id);
  const customer = method.customer;
  if (customer === null) throw badState(undefined, 'The payment method you provided is not attached to a customer.');
  detach(sim, method, idOf(customer) ?? '', caller);
  return method;
}

function list(call: Call, customer: string | null, filters: string[]): object {
  const type = call.params.optional('type');
  const redisplay = call.params.oneOf('allow_redisplay', REDISPLAY);
  const rows = call.sim.store
    .all('payment_methods')
    .filter((row) => row.customer !== null && row.customer === customer && (!type || row.type === type))
    .filter((row) => redisplay === undefined || row.allow_redisplay === redisplay);
  return listPage(call, rows, ['allow_redisplay', 'type', ...filters]);
}
