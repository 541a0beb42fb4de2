import type Stripe from 'stripe';
import { requireCustomer } from './customers';
import { declineFault } from './decline';
import { idOf } from './ids';
import { listPage } from './list-page';
import { type Params } from './params';
import { readAmount, readMethod } from './payment-intent-params';
import { createIntent } from './payment-intent-object';
import { type Confirmation, confirmIntent } from './payment-lifecycle';
import { attachTo } from './payment-method-attachment';
import { type Call, type Route } from './route';
import { type Caller, type Simulation } from './simulation';
import { StripeFault, badParameter, noSuch } from './stripe-fault';

const FUTURE = ['off_session', 'on_session'] as const;
const REASONS = ['abandoned', 'duplicate', 'fraudulent', 'requested_by_customer'] as const;
const CONFIRM = ['error_on_requires_action', 'off_session', 'payment_method', 'return_url', 'setup_future_usage'];
const EDIT = [
  'amount',
  'currency',
  'customer',
  'description',
  'metadata',
  'payment_method',
  'receipt_email',
  'setup_future_usage',
];
/** Accepted without effect. */
const WITHOUT_EFFECT = [
  'automatic_payment_methods',
  'confirmation_method',
  'mandate_data',
  'payment_method_options',
  'use_stripe_sdk',
];

/** https://docs.stripe.com/api/payment_intents; automatic capture only */
export const paymentIntentRoutes: readonly Route[] = [
  { method: 'POST', path: '/v1/payment_intents', handle: create },
  { method: 'GET', path: '/v1/payment_intents', handle: list },
  {
    method: 'GET',
    path: '/v1/payment_intents/:id',
    handle: ({ sim, params, id }) => (params.only('client_secret'), requireIntent(sim, id)),
  },
  { method: 'POST', path: '/v1/payment_intents/:id', handle: update },
  { method: 'POST', path: '/v1/payment_intents/:id/confirm', handle: confirm },
  { method: 'POST', path: '/v1/payment_intents/:id/cancel', handle: cancel },
];

/** `status` is 404 when the id stands in the path. */
export function requireIntent(sim: Simulation, id: string, status: 400 | 404 = 404): Stripe.PaymentIntent {
  const intent = sim.store.get('payment_intents', id);
  if (intent === undefined) throw noSuch('payment_intent', id, status === 404 ? 'intent' : 'payment_intent', status);
  return intent;
}

/** Cancels an intent that was not paid; announced. */
export function cancelIntent(
  sim: Simulation,
  intent: Stripe.PaymentIntent,
  reason: Stripe.PaymentIntent.CancellationReason | null,
  caller: Caller,
): void {
  if (['succeeded', 'canceled', 'processing'].includes(intent.status)) throw unexpected(intent, 'cancel');
  Object.assign(intent, { status: 'canceled', canceled_at: sim.now(), cancellation_reason: reason, next_action: null });
  sim.store.put('payment_intents', intent);
  sim.emit(caller, 'payment_intent.canceled', intent);
}

function create({ sim, params, caller }: Call): Stripe.PaymentIntent {
  params.only(...EDIT, ...CONFIRM, ...WITHOUT_EFFECT, 'confirm', 'statement_descriptor', 'statement_descriptor_suffix');
  const confirmNow = params.boolean('confirm') === true;
  if (!confirmNow) {
    for (const name of ['off_session', 'error_on_requires_action']) {
      if (params.has(name))
        throw badParameter('parameter_invalid', `You can only pass \`${name}\` with \`confirm=true\`.`, name);
    }
  }
  const amount = readAmount(params);
  const currency = params.string('currency').toLowerCase();
  const customer = params.optional('customer') ?? null;
  if (customer !== null) requireCustomer(sim, customer);
  const method = readMethod(sim, params, customer);
  const intent = createIntent(
    sim,
    {
      amount,
      currency,
      customer,
      description: params.optional('description') ?? null,
      metadata: params.metadata(),
      payment_method: method?.id ?? null,
      receipt_email: params.optional('receipt_email') ?? null,
      setup_future_usage: params.oneOf('setup_future_usage', FUTURE) ?? null,
      statement_descriptor: params.optional('statement_descriptor') ?? null,
      statement_descriptor_suffix: params.optional('statement_descriptor_suffix') ?? null,
    },
    caller,
  );
  return confirmNow ? confirmFrom(sim, params, intent, method, caller) : intent;
}

function update({ sim, params, id }: Call): Stripe.PaymentIntent {
  params.only(...EDIT, 'payment_method_options');
  const intent = requireIntent(sim, id);
  if (['succeeded', 'canceled', 'processing'].includes(intent.status) && params.has('amount'))
    throw unexpected(intent, 'update');
  const customer = params.optional('customer') ?? idOf(intent.customer);
  if (customer !== null) requireCustomer(sim, customer);
  const method = readMethod(sim, params, customer);
  if (params.has('amount')) intent.amount = readAmount(params);
  intent.customer = customer;
  for (const field of ['description', 'receipt_email'] as const) {
    const value = params.optional(field);
    if (value !== undefined) intent[field] = value;
  }
  if (params.has('metadata')) intent.metadata = params.metadata(intent.metadata);
  intent.setup_future_usage = params.oneOf('setup_future_usage', FUTURE) ?? intent.setup_future_usage;
  if (method !== undefined) Object.assign(intent, { payment_method: method.id, status: 'requires_confirmation' });
  return sim.store.put('payment_intents', intent);
}

function confirm({ sim, params, id, caller }: Call): Stripe.PaymentIntent {
  params.only(...CONFIRM, ...WITHOUT_EFFECT, 'receipt_email');
  const intent = requireIntent(sim, id);
  if (['succeeded', 'canceled', 'processing'].includes(intent.status)) throw unexpected(intent, 'confirm');
  const customer = idOf(intent.customer);
  const method =
    readMethod(sim, params, customer) ?? sim.store.get('payment_methods', idOf(intent.payment_method) ?? '');
  return confirmFrom(sim, params, intent, method, caller);
}

function confirmFrom(
  sim: Simulation,
  params: Params,
  intent: Stripe.PaymentIntent,
  method: Stripe.PaymentMethod | undefined,
  caller: Caller,
): Stripe.PaymentIntent {
  if (method === undefined) {
    const message = 'You cannot confirm this PaymentIntent because it’s missing a payment method.';
    throw badParameter('payment_intent_unexpected_state', message, 'payment_method');
  }
  const returnUrl = params.optional('return_url') ?? null;
  intent.setup_future_usage = params.oneOf('setup_future_usage', FUTURE) ?? intent.setup_future_usage;
  // `off_session` is a boolean or a hash; any hash means off-session.
  const offSession =
    typeof params.raw('off_session') === 'string' ? params.boolean('off_session') === true : params.has('off_session');
  const noAction = params.boolean('error_on_requires_action') === true;
  const outcome = confirmIntent(sim, intent, method, caller, { offSession, noAction, returnUrl });
  return concluded(sim, intent, method, outcome, caller);
}

/** A decline is an error of the API, although the intent lives on. A payment that sets up a card keeps it. */
function concluded(
  sim: Simulation,
  intent: Stripe.PaymentIntent,
  method: Stripe.PaymentMethod,
  outcome: Confirmation,
  caller: Caller,
): Stripe.PaymentIntent {
  if (outcome.kind === 'declined') {
    throw declineFault(outcome.decline, {
      charge: outcome.charge,
      payment_intent: structuredClone(intent),
      payment_method: structuredClone(method),
    });
  }
  const customer = idOf(intent.customer);
  if (outcome.kind === 'succeeded' && intent.setup_future_usage !== null && customer !== null) {
    attachTo(sim, method, customer, caller);
  }
  return intent;
}

function cancel({ sim, params, id, caller }: Call): Stripe.PaymentIntent {
  params.only('cancellation_reason');
  const intent = requireIntent(sim, id);
  cancelIntent(sim, intent, params.oneOf('cancellation_reason', REASONS) ?? null, caller);
  return intent;
}

function list(call: Call): object {
  const customer = call.params.optional('customer');
  const rows = call.sim.store.all('payment_intents').filter((row) => !customer || row.customer === customer);
  return listPage(call, rows, ['created', 'customer']);
}

function unexpected(intent: Stripe.PaymentIntent, verb: string): StripeFault {
  return new StripeFault(400, {
    type: 'invalid_request_error',
    code: 'payment_intent_unexpected_state',
    message: `You cannot ${verb} this PaymentIntent because it has a status of ${intent.status}.`,
    payment_intent: structuredClone(intent),
  });
}
