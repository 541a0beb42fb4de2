import type Stripe from 'stripe';
import { readLineItems, sessionLineItems } from './checkout-line-items';
import { newCheckoutSession } from './checkout-session-object';
import { readIntentData, readSessionChoices, readSetupData } from './checkout-session-params';
import { countSession } from './checkout-tax';
import { idOf } from './ids';
import { listPage } from './list-page';
import { MINIMUM_AMOUNT } from './payment-intent-params';
import { cancelIntent } from './payment-intents';
import { type Call, type Route } from './route';
import { cancelSetup, createSetupIntent } from './setup-intent-lifecycle';
import { type Caller, NOBODY, type Simulation } from './simulation';
import { badParameter, badState, noSuch } from './stripe-fault';
import { type WireLineItem } from './tables';

/** https://docs.stripe.com/api/checkout/sessions; the modes `payment` and `setup` on Stripe's own page */
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

/** Ends an open session, cancels the intent that belongs to it, and announces both. */
export function expireSession(sim: Simulation, session: Stripe.Checkout.Session, caller: Caller): void {
  if (session.status !== 'open') {
    const message = `Only Checkout Sessions with a status in ["open"] can be expired. This Checkout Session has a status of \`${session.status}\`.`;
    throw badState(undefined, message);
  }
  const intent = sim.store.get('payment_intents', idOf(session.payment_intent) ?? '');
  if (intent !== undefined) cancelIntent(sim, intent, 'expired', caller);
  const setup = sim.store.get('setup_intents', idOf(session.setup_intent) ?? '');
  if (setup !== undefined) cancelSetup(sim, setup, null, caller);
  Object.assign(session, { status: 'expired', url: null });
  sim.store.put('sessions', session);
  sim.emit(caller, 'checkout.session.expired', session);
}

/** The session's `expires_at` has come. */
export function expireDueSession(sim: Simulation, id: string): void {
  const session = sim.store.get('sessions', id);
  if (session?.status === 'open') expireSession(sim, session, NOBODY);
}

function create({ sim, params, caller }: Call): Stripe.Checkout.Session {
  const choices = readSessionChoices(sim, params);
  const session = newCheckoutSession(sim, params, choices);
  sim.agenda.plan('session_expires', session.id, session.expires_at);
  if (choices.mode === 'setup') {
    const fields = { customer: choices.customer?.id ?? null, ...readSetupData(params) };
    session.setup_intent = createSetupIntent(sim, fields, caller).id;
    // Stripe announces no creation of a session.
    return sim.store.put('sessions', session);
  }
  const intent = readIntentData(params);
  const items = readLineItems(sim, params, caller);
  const total = items.reduce((sum, item) => sum + item.amount_total, 0);
  if (total < MINIMUM_AMOUNT) {
    const message = `The Checkout Session's total amount must convert to at least ${MINIMUM_AMOUNT} cents.`;
    throw badParameter('amount_too_small', message);
  }
  session.currency = items[0]?.currency ?? null;
  sim.store.put('session_plans', { id: session.id, items, intent, customer_update: choices.customerUpdate });
  countSession(sim, session);
  return session;
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
