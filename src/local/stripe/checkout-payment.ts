import type Stripe from 'stripe';
import { newBankAccount } from './card';
import { type Billing, applyBilling, updateCustomer } from './checkout-billing';
import { customerOf } from './checkout-customer';
import { idOf } from './ids';
import { invoiceSession } from './invoices';
import { createIntent } from './payment-intent-object';
import { type Confirmation, confirmIntent, failAuthentication, settleDebit } from './payment-lifecycle';
import { attachTo } from './payment-method-attachment';
import { type Setup, confirmSetup, failSetupAuthentication } from './setup-intent-lifecycle';
import { bookCharge } from './settlement';
import { NOBODY, type Simulation } from './simulation';
import { badState } from './stripe-fault';

/** How far a person got at the page; `message` is what the page shows them. */
export type Payment =
  | { kind: 'complete'; session: Stripe.Checkout.Session }
  | { kind: 'requires_action'; session: Stripe.Checkout.Session }
  | { kind: 'declined'; session: Stripe.Checkout.Session; code: string; message: string };

/**
 * Pays an open session with a card, or saves the card when the session is there for that. The intent is made at the
 * first try and reused after a decline, exactly as Checkout does. `save`: the person ticked "save my card". Throws 400
 * when the session is not open any more.
 */
export function paySession(
  sim: Simulation,
  session: Stripe.Checkout.Session,
  method: Stripe.PaymentMethod,
  save = false,
  billing: Billing = {},
): Payment {
  assertOpen(session);
  applyBilling(sim, session, method, billing);
  const keeps = save && session.saved_payment_method_options?.payment_method_save === 'enabled';
  // May be offered to the person again: https://docs.stripe.com/payments/checkout/save-during-payment
  if (keeps) method.allow_redisplay = 'always';
  const setup = sim.store.get('setup_intents', idOf(session.setup_intent) ?? '');
  if (setup !== undefined) {
    setup.customer = customerOf(sim, session, false);
    return conclude(sim, session, method, confirmSetup(sim, setup, method, NOBODY));
  }
  return conclude(sim, session, method, confirmIntent(sim, openIntent(sim, session, keeps), method, NOBODY));
}

/** "Pay later": a bank debit. The session completes unpaid; `settleAsync` brings the bank's answer. */
export function payLater(sim: Simulation, session: Stripe.Checkout.Session, billing: Billing = {}): Payment {
  assertOpen(session);
  if (session.mode !== 'payment') throw badState(undefined, 'This Checkout Session takes no payment.');
  const method = newBankAccount(sim);
  applyBilling(sim, session, method, billing);
  const intent = openIntent(sim, session, false);
  return conclude(sim, session, method, confirmIntent(sim, intent, method, NOBODY));
}

/** Stripe counts a debit once it is submitted to the bank, days before the answer. */
export function submitDebit(sim: Simulation, session: Stripe.Checkout.Session): void {
  const intent = sim.store.get('payment_intents', idOf(session.payment_intent) ?? '');
  const charge = sim.store.get('charges', idOf(intent?.latest_charge) ?? '');
  if (charge?.status !== 'pending') throw badState(undefined, 'This Checkout Session waits for no bank.');
  charge.balance_transaction = bookCharge(sim, charge, false).id;
  sim.store.put('charges', charge);
}

/** The 3-D Secure step, passed or failed. */
export function authenticateSession(sim: Simulation, session: Stripe.Checkout.Session, passed: boolean): Payment {
  const payment = sim.store.get('payment_intents', idOf(session.payment_intent) ?? '');
  const setup = sim.store.get('setup_intents', idOf(session.setup_intent) ?? '');
  const intent = payment ?? setup;
  const method = sim.store.get('payment_methods', idOf(intent?.payment_method) ?? '');
  if (session.status !== 'open' || intent?.status !== 'requires_action' || method === undefined) {
    throw badState(undefined, 'This Checkout Session does not wait for authentication.');
  }
  if (passed) {
    const options = { authenticated: true };
    const outcome = payment
      ? confirmIntent(sim, payment, method, NOBODY, options)
      : confirmSetup(sim, setup!, method, NOBODY, options);
    return conclude(sim, session, method, outcome);
  }
  if (payment) failAuthentication(sim, payment, NOBODY);
  else failSetupAuthentication(sim, setup!, NOBODY);
  const { code = '', message = '' } = payment?.last_payment_error ?? setup?.last_setup_error ?? {};
  return { kind: 'declined', session, code, message };
}

/** The bank's late answer to "pay later". Throws 400 when the session does not wait for one. */
export function settleAsync(sim: Simulation, session: Stripe.Checkout.Session, outcome: 'succeeded' | 'failed'): void {
  const intent = sim.store.get('payment_intents', idOf(session.payment_intent) ?? '');
  if (session.status !== 'complete' || intent?.status !== 'processing') {
    throw badState(undefined, 'This Checkout Session does not wait for an asynchronous payment.');
  }
  settleDebit(sim, intent, outcome === 'succeeded', NOBODY);
  if (outcome === 'succeeded') {
    session.payment_status = 'paid';
    issueInvoice(sim, session);
  }
  sim.store.put('sessions', session);
  const type =
    outcome === 'succeeded' ? 'checkout.session.async_payment_succeeded' : 'checkout.session.async_payment_failed';
  sim.emit(NOBODY, type, session);
}

/** Where the browser goes after paying. https://docs.stripe.com/payments/checkout/custom-success-page */
export function successUrl(session: Stripe.Checkout.Session): string {
  return (session.success_url ?? '/').replaceAll('{CHECKOUT_SESSION_ID}', session.id);
}

function issueInvoice(sim: Simulation, session: Stripe.Checkout.Session): void {
  const items = sim.store.get('session_plans', session.id)?.items;
  if (session.payment_status !== 'paid' || session.invoice_creation?.enabled !== true || items === undefined) return;
  session.invoice = invoiceSession(sim, session, items).id;
}

function assertOpen(session: Stripe.Checkout.Session): void {
  if (session.status === 'open') return;
  throw badState(undefined, `This Checkout Session is not open any more: its status is ${session.status}.`);
}

function openIntent(sim: Simulation, session: Stripe.Checkout.Session, keeps: boolean): Stripe.PaymentIntent {
  const plan = sim.store.get('session_plans', session.id);
  if (plan === undefined) throw new Error(`${session.id} has no plan`);
  const { description, metadata, setup_future_usage, ...rest } = plan.intent;
  const usage = setup_future_usage ?? (keeps ? 'off_session' : null);
  const existing = sim.store.get('payment_intents', idOf(session.payment_intent) ?? '');
  if (existing !== undefined) {
    existing.setup_future_usage = usage;
    return existing;
  }
  const intent = createIntent(
    sim,
    {
      amount: session.amount_total ?? 0,
      currency: session.currency ?? 'usd',
      customer: customerOf(sim, session, usage !== null),
      description,
      metadata: { ...metadata },
      setup_future_usage: usage,
      ...rest,
    },
    NOBODY,
  );
  session.payment_intent = intent.id;
  sim.store.put('sessions', session);
  return intent;
}

function conclude(
  sim: Simulation,
  session: Stripe.Checkout.Session,
  method: Stripe.PaymentMethod,
  outcome: Confirmation | Setup,
): Payment {
  if (outcome.kind === 'declined') {
    return { kind: 'declined', session, code: outcome.decline.code, message: outcome.decline.message };
  }
  if (outcome.kind === 'requires_action') return { kind: 'requires_action', session };
  const { mode } = session;
  const customer = idOf(session.customer);
  const usage = sim.store.get('payment_intents', idOf(session.payment_intent) ?? '')?.setup_future_usage;
  if (customer !== null && usage) {
    if (method.allow_redisplay === 'unspecified') method.allow_redisplay = 'limited';
    attachTo(sim, method, customer, NOBODY);
  }
  Object.assign(session, {
    status: 'complete',
    payment_status: mode === 'setup' ? 'no_payment_required' : outcome.kind === 'succeeded' ? 'paid' : 'unpaid',
    url: null,
    customer_details: session.customer_details && {
      ...session.customer_details,
      tax_ids: session.customer_details.tax_ids ?? [],
    },
  });
  updateCustomer(sim, session);
  issueInvoice(sim, session);
  sim.store.put('sessions', session);
  sim.emit(NOBODY, 'checkout.session.completed', session);
  return { kind: 'complete', session };
}
