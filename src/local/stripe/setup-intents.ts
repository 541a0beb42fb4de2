import type Stripe from 'stripe';
import { requireCustomer } from './customers';
import { declineFault } from './decline';
import { idOf } from './ids';
import { listPage } from './list-page';
import { type Params } from './params';
import { readMethod } from './payment-intent-params';
import { type Call, type Route } from './route';
import { assertOpen, cancelSetup, confirmSetup, createSetupIntent } from './setup-intent-lifecycle';
import { type Caller, type Simulation } from './simulation';
import { badParameter, noSuch } from './stripe-fault';

const EDIT = ['customer', 'description', 'metadata', 'payment_method'];
const REASONS = ['abandoned', 'duplicate', 'requested_by_customer'] as const;
/** Accepted without effect. */
const WITHOUT_EFFECT = ['automatic_payment_methods', 'mandate_data', 'payment_method_options', 'use_stripe_sdk'];

/** https://docs.stripe.com/api/setup_intents, cards only */
export const setupIntentRoutes: readonly Route[] = [
  { method: 'POST', path: '/v1/setup_intents', handle: create },
  { method: 'GET', path: '/v1/setup_intents', handle: list },
  {
    method: 'GET',
    path: '/v1/setup_intents/:id',
    handle: ({ sim, params, id }) => (params.only('client_secret'), requireSetupIntent(sim, id)),
  },
  { method: 'POST', path: '/v1/setup_intents/:id', handle: update },
  { method: 'POST', path: '/v1/setup_intents/:id/confirm', handle: confirm },
  { method: 'POST', path: '/v1/setup_intents/:id/cancel', handle: cancel },
];

export function requireSetupIntent(sim: Simulation, id: string): Stripe.SetupIntent {
  const intent = sim.store.get('setup_intents', id);
  if (intent === undefined) throw noSuch('setupintent', id, 'intent', 404);
  return intent;
}

function create({ sim, params, caller }: Call): Stripe.SetupIntent {
  params.only(...EDIT, ...WITHOUT_EFFECT, 'confirm', 'return_url', 'usage');
  const customer = params.optional('customer') ?? null;
  if (customer !== null) requireCustomer(sim, customer);
  const method = readMethod(sim, params, customer);
  const fields = {
    customer,
    description: params.optional('description') ?? null,
    metadata: params.metadata(),
    payment_method: method?.id ?? null,
    usage: params.oneOf('usage', ['off_session', 'on_session'] as const) ?? 'off_session',
  };
  const confirmNow = params.boolean('confirm') === true;
  const intent = createSetupIntent(sim, fields, caller);
  return confirmNow ? confirmFrom(sim, params, intent, method, caller) : intent;
}

function update({ sim, params, id }: Call): Stripe.SetupIntent {
  params.only(...EDIT, 'payment_method_options');
  const intent = requireSetupIntent(sim, id);
  assertOpen(intent, 'update');
  const customer = params.optional('customer') ?? idOf(intent.customer);
  if (customer !== null) requireCustomer(sim, customer);
  const method = readMethod(sim, params, customer);
  intent.customer = customer;
  const description = params.optional('description');
  if (description !== undefined) intent.description = description;
  if (params.has('metadata')) intent.metadata = params.metadata(intent.metadata ?? {});
  if (method !== undefined) Object.assign(intent, { payment_method: method.id, status: 'requires_confirmation' });
  return sim.store.put('setup_intents', intent);
}

function confirm({ sim, params, id, caller }: Call): Stripe.SetupIntent {
  params.only('mandate_data', 'payment_method', 'payment_method_options', 'return_url', 'use_stripe_sdk');
  const intent = requireSetupIntent(sim, id);
  const method =
    readMethod(sim, params, idOf(intent.customer)) ??
    sim.store.get('payment_methods', idOf(intent.payment_method) ?? '');
  return confirmFrom(sim, params, intent, method, caller);
}

function confirmFrom(
  sim: Simulation,
  params: Params,
  intent: Stripe.SetupIntent,
  method: Stripe.PaymentMethod | undefined,
  caller: Caller,
): Stripe.SetupIntent {
  if (method === undefined) {
    const message = 'You cannot confirm this SetupIntent because it’s missing a payment method.';
    throw badParameter('setup_intent_unexpected_state', message, 'payment_method');
  }
  const outcome = confirmSetup(sim, intent, method, caller, { returnUrl: params.optional('return_url') ?? null });
  if (outcome.kind !== 'declined') return intent;
  throw declineFault(outcome.decline, {
    payment_method: structuredClone(method),
    setup_intent: structuredClone(intent),
  });
}

function cancel({ sim, params, id, caller }: Call): Stripe.SetupIntent {
  params.only('cancellation_reason');
  const intent = requireSetupIntent(sim, id);
  cancelSetup(sim, intent, params.oneOf('cancellation_reason', REASONS) ?? null, caller);
  return intent;
}

function list(call: Call): object {
  const wanted = (['customer', 'payment_method'] as const).map(
    (field) => [field, call.params.optional(field)] as const,
  );
  const rows = call.sim.store
    .all('setup_intents')
    .filter((row) => wanted.every(([field, value]) => !value || row[field] === value));
  return listPage(call, rows, ['created', 'customer', 'payment_method']);
}
