import type Stripe from 'stripe';
import { readLineItems, sessionLineItems } from './checkout-line-items';
import { newCheckoutSession } from './checkout-session-object';
import { requireCustomer } from './customers';
import { idOf } from './ids';
import { listPage } from './list-page';
import { type Params } from './params';
import { MINIMUM_AMOUNT } from './payment-intent-params';
import { cancelIntent } from './payment-intents';
import { type Call, type Route } from './route';
import { type Caller, NOBODY, type Simulation } from './simulation';
import { badParameter, badState, noSuch } from './stripe-fault';
import { type SessionPlan, type WireLineItem } from './store';

/** https://docs.stripe.com/api/checkout/sessions/create#create_checkout_session-expires_at */
const SHORTEST_LIFE_SECONDS = 30 * 60;
const LONGEST_LIFE_SECONDS = 24 * 3600;
/** A test on a busy machine may compute `expires_at` a moment before it arrives. */
const CLOCK_SLACK_SECONDS = 60;

const FIELDS = [
  'cancel_url',
  'client_reference_id',
  'currency',
  'customer',
  'customer_creation',
  'customer_email',
  'expires_at',
];
const MORE_FIELDS = ['line_items', 'metadata', 'mode', 'payment_intent_data', 'success_url', 'ui_mode'];
const ECHOED = [
  'allow_promotion_codes',
  'automatic_tax',
  'billing_address_collection',
  'integration_identifier',
  'invoice_creation',
];
const MORE_ECHOED = [
  'locale',
  'phone_number_collection',
  'saved_payment_method_options',
  'submit_type',
  'tax_id_collection',
];
/** Accepted without effect. */
const WITHOUT_EFFECT = ['adaptive_pricing', 'after_expiration', 'consent_collection', 'custom_text', 'customer_update'];
const MORE_WITHOUT_EFFECT = [
  'excluded_payment_method_types',
  'payment_method_options',
  'branding_settings',
  'name_collection',
];
const INTENT = [
  'description',
  'metadata',
  'receipt_email',
  'setup_future_usage',
  'statement_descriptor',
  'statement_descriptor_suffix',
];

/** https://docs.stripe.com/api/checkout/sessions; mode `payment` on Stripe's own page */
export const checkoutSessionRoutes: readonly Route[] = [
  { method: 'POST', path: '/v1/checkout/sessions', handle: create },
  { method: 'GET', path: '/v1/checkout/sessions', handle: list },
  {
    method: 'GET',
    path: '/v1/checkout/sessions/:id',
    handle: ({ sim, params, id }) => (params.only(), requireSession(sim, id)),
  },
  { method: 'POST', path: '/v1/checkout/sessions/:id', handle: update },
  { method: 'POST', path: '/v1/checkout/sessions/:id/expire', handle: expire },
  { method: 'GET', path: '/v1/checkout/sessions/:id/line_items', handle: listLineItems },
];

export function requireSession(sim: Simulation, id: string): Stripe.Checkout.Session {
  const session = sim.store.get('sessions', id);
  if (session === undefined) throw noSuch('checkout.session', id, 'session', 404);
  return session;
}

/** Ends an open session, cancels the intent a declined card may have left, and announces both. */
export function expireSession(sim: Simulation, session: Stripe.Checkout.Session, caller: Caller): void {
  if (session.status !== 'open') {
    const message = `Only Checkout Sessions with a status in ["open"] can be expired. This Checkout Session has a status of \`${session.status}\`.`;
    throw badState(undefined, message);
  }
  const intent = sim.store.get('payment_intents', idOf(session.payment_intent) ?? '');
  if (intent !== undefined) cancelIntent(sim, intent, 'expired', caller);
  Object.assign(session, { status: 'expired', url: null });
  sim.store.put('sessions', session);
  sim.emit(caller, 'checkout.session.expired', session);
}

/** Sessions whose `expires_at` has come. */
export function expireDueSessions(sim: Simulation): void {
  const now = sim.now();
  for (const session of sim.store.all('sessions')) {
    if (session.status === 'open' && session.expires_at <= now) expireSession(sim, session, NOBODY);
  }
}

function create({ sim, params, caller }: Call): Stripe.Checkout.Session {
  params.only(...FIELDS, ...MORE_FIELDS, ...ECHOED, ...MORE_ECHOED, ...WITHOUT_EFFECT, ...MORE_WITHOUT_EFFECT);
  const mode = params.oneOf('mode', ['payment', 'setup', 'subscription'] as const) ?? 'payment';
  if (mode !== 'payment')
    throw badParameter('parameter_invalid', `The simulator covers mode 'payment', not '${mode}'.`, 'mode');
  params.oneOf('ui_mode', ['hosted_page'] as const);
  const customerId = params.optional('customer');
  const email = params.optional('customer_email') ?? null;
  if (customerId && email)
    throw badParameter('parameter_invalid', 'You may only specify one of these parameters: customer, customer_email.');
  const customer = customerId ? requireCustomer(sim, customerId) : null;
  const urls = { success: readUrl(params, 'success_url', true), cancel: readUrl(params, 'cancel_url', false) };
  const expiresAt = readExpiry(sim, params);
  const intent = readIntentData(params);
  const items = readLineItems(sim, params, caller);
  if (items.reduce((sum, item) => sum + item.amount_total, 0) < MINIMUM_AMOUNT) {
    const message = `The Checkout Session's total amount must convert to at least ${MINIMUM_AMOUNT} cents.`;
    throw badParameter('amount_too_small', message);
  }
  const session = newCheckoutSession(sim, params, { customer, email, urls, expiresAt, items });
  sim.store.put('session_plans', { id: session.id, items, intent });
  // Stripe announces no creation of a session.
  return sim.store.put('sessions', session);
}

function update({ sim, params, id }: Call): Stripe.Checkout.Session {
  params.only('metadata');
  const session = requireSession(sim, id);
  session.metadata = params.metadata(session.metadata ?? {});
  return sim.store.put('sessions', session);
}

function expire({ sim, params, id, caller }: Call): Stripe.Checkout.Session {
  params.only();
  const session = requireSession(sim, id);
  expireSession(sim, session, caller);
  return session;
}

function list(call: Call): object {
  const wanted = (['customer', 'payment_intent', 'status'] as const).map(
    (field) => [field, call.params.optional(field)] as const,
  );
  const rows = call.sim.store
    .all('sessions')
    .filter((row) => wanted.every(([field, value]) => !value || row[field] === value));
  return listPage(call, rows, ['created', 'customer', 'payment_intent', 'status']);
}

function listLineItems(call: Call): object {
  requireSession(call.sim, call.id);
  const items: WireLineItem[] = sessionLineItems(call.sim, call.id).data;
  // Line items are listed in the order they were given, unlike all other lists.
  return listPage(call, items.toReversed());
}

function readExpiry(sim: Simulation, params: Params): number {
  const now = sim.now();
  const at = params.optionalInteger('expires_at') ?? now + LONGEST_LIFE_SECONDS;
  const shortest = now + SHORTEST_LIFE_SECONDS - CLOCK_SLACK_SECONDS;
  if (at >= shortest && at <= now + LONGEST_LIFE_SECONDS + CLOCK_SLACK_SECONDS) return at;
  const message = 'The `expires_at` timestamp must be between 30 minutes and 24 hours after Checkout Session creation.';
  throw badParameter('parameter_invalid', message, 'expires_at');
}

function readIntentData(params: Params): SessionPlan['intent'] {
  const data = params.hash('payment_intent_data')?.only(...INTENT);
  return {
    description: data?.optional('description') ?? null,
    metadata: data?.metadata() ?? {},
    receipt_email: data?.optional('receipt_email') ?? null,
    setup_future_usage: data?.oneOf('setup_future_usage', ['off_session', 'on_session'] as const) ?? null,
    statement_descriptor: data?.optional('statement_descriptor') ?? null,
    statement_descriptor_suffix: data?.optional('statement_descriptor_suffix') ?? null,
  };
}

function readUrl(params: Params, name: string, required: boolean): string | null {
  const url = required ? params.string(name) : (params.optional(name) ?? null);
  if (url !== null && !/^https?:\/\/[^/\s]+/.test(url)) throw badParameter('url_invalid', 'Not a valid URL', name);
  return url;
}
