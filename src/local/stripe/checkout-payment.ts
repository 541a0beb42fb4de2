import type Stripe from 'stripe';
import { createCustomer } from './customers';
import { idOf } from './ids';
import { Params } from './params';
import { createIntent } from './payment-intent-object';
import { type Confirmation, confirmIntent, failAuthentication, settleDebit } from './payment-lifecycle';
import { newBankAccount } from './card';
import { attachTo } from './payment-methods';
import { type Caller, NOBODY, type Simulation } from './simulation';
import { badState } from './stripe-fault';

/** How far a person got at the page; `message` is what the page shows them. */
export type Payment =
  | { kind: 'complete'; session: Stripe.Checkout.Session }
  | { kind: 'requires_action'; session: Stripe.Checkout.Session }
  | { kind: 'declined'; session: Stripe.Checkout.Session; code: string; message: string };

/**
 * Pays an open session with a card: the intent is made at the first try and reused after a decline, exactly as
 * Checkout does. Throws 400 when the session is not open any more.
 */
export function paySession(sim: Simulation, session: Stripe.Checkout.Session, method: Stripe.PaymentMethod): Payment {
  const intent = openIntent(sim, session);
  return conclude(sim, session, method, confirmIntent(sim, intent, method, NOBODY));
}

/** "Pay later": a bank debit. The session completes unpaid; `settleAsync` brings the bank's answer. */
export function payLater(sim: Simulation, session: Stripe.Checkout.Session): Payment {
  const intent = openIntent(sim, session);
  const method = newBankAccount(sim);
  return conclude(sim, session, method, confirmIntent(sim, intent, method, NOBODY));
}

/** The 3-D Secure step, passed or failed. */
export function authenticateSession(sim: Simulation, session: Stripe.Checkout.Session, passed: boolean): Payment {
  const intent = sim.store.get('payment_intents', idOf(session.payment_intent) ?? '');
  const method = sim.store.get('payment_methods', idOf(intent?.payment_method) ?? '');
  if (session.status !== 'open' || intent?.status !== 'requires_action' || method === undefined) {
    throw badState(undefined, 'This Checkout Session does not wait for authentication.');
  }
  if (passed)
    return conclude(sim, session, method, confirmIntent(sim, intent, method, NOBODY, { authenticated: true }));
  failAuthentication(sim, intent, NOBODY);
  const { code = '', message = '' } = intent.last_payment_error ?? {};
  return { kind: 'declined', session, code, message };
}

/** The bank's late answer to "pay later". Throws 400 when the session does not wait for one. */
export function settleAsync(sim: Simulation, session: Stripe.Checkout.Session, outcome: 'succeeded' | 'failed'): void {
  const intent = sim.store.get('payment_intents', idOf(session.payment_intent) ?? '');
  if (session.status !== 'complete' || intent?.status !== 'processing') {
    throw badState(undefined, 'This Checkout Session does not wait for an asynchronous payment.');
  }
  settleDebit(sim, intent, outcome === 'succeeded', NOBODY);
  if (outcome === 'succeeded') session.payment_status = 'paid';
  sim.store.put('sessions', session);
  const type =
    outcome === 'succeeded' ? 'checkout.session.async_payment_succeeded' : 'checkout.session.async_payment_failed';
  sim.emit(NOBODY, type, session);
}

/** Where the browser goes after paying. https://docs.stripe.com/payments/checkout/custom-success-page */
export function successUrl(session: Stripe.Checkout.Session): string {
  return (session.success_url ?? '/').replaceAll('{CHECKOUT_SESSION_ID}', session.id);
}

function openIntent(sim: Simulation, session: Stripe.Checkout.Session): Stripe.PaymentIntent {
  if (session.status !== 'open') {
    throw badState(undefined, `This Checkout Session is not open any more: its status is ${session.status}.`);
  }
  const existing = sim.store.get('payment_intents', idOf(session.payment_intent) ?? '');
  if (existing !== undefined) return existing;
  const plan = sim.store.get('session_plans', session.id);
  if (plan === undefined) throw new Error(`${session.id} has no plan`);
  const { description, metadata, ...rest } = plan.intent;
  const intent = createIntent(
    sim,
    {
      amount: session.amount_total ?? 0,
      currency: session.currency ?? 'usd',
      customer: customerOf(sim, session, plan.intent.setup_future_usage !== null, NOBODY),
      description,
      metadata: { ...metadata },
      ...rest,
    },
    NOBODY,
  );
  session.payment_intent = intent.id;
  sim.store.put('sessions', session);
  return intent;
}

/** A guest becomes a customer when the session asks for one or keeps the card for later. */
function customerOf(
  sim: Simulation,
  session: Stripe.Checkout.Session,
  keepsCard: boolean,
  caller: Caller,
): string | null {
  const existing = idOf(session.customer);
  if (existing !== null || (session.customer_creation !== 'always' && !keepsCard)) return existing;
  const email = session.customer_email;
  const customer = createCustomer(sim, new Params(new Map(email === null ? [] : [['email', email]])), caller);
  session.customer = customer.id;
  return customer.id;
}

function conclude(
  sim: Simulation,
  session: Stripe.Checkout.Session,
  method: Stripe.PaymentMethod,
  outcome: Confirmation,
): Payment {
  if (outcome.kind === 'declined') {
    return { kind: 'declined', session, code: outcome.decline.code, message: outcome.decline.message };
  }
  if (outcome.kind === 'requires_action') return { kind: 'requires_action', session };
  const customer = idOf(session.customer);
  if (customer !== null && sim.store.get('session_plans', session.id)?.intent.setup_future_usage) {
    attachTo(sim, method, customer, NOBODY);
  }
  Object.assign(session, {
    status: 'complete',
    payment_status: outcome.kind === 'succeeded' ? 'paid' : 'unpaid',
    url: null,
    customer_details: session.customer_details && { ...session.customer_details, tax_ids: [] },
  });
  sim.store.put('sessions', session);
  sim.emit(NOBODY, 'checkout.session.completed', session);
  return { kind: 'complete', session };
}
