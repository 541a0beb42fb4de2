import type Stripe from 'stripe';
import { book, bookCharge } from './settlement';
import { newCharge } from './charges';
import { idOf } from './ids';
import { bankAnswer, cardBehaviour, markSetUp } from './card';
import { DECLINES, type Decline } from './decline';
import { type Caller, type Simulation } from './simulation';

/** What confirming came to; a decline leaves the intent asking for another payment method. */
export type Confirmation =
  { kind: 'succeeded' | 'processing' | 'requires_action' } | { kind: 'declined'; decline: Decline; charge: string };

export interface ConfirmOptions {
  /** The card holder is not there: where the bank wants them, that is a decline. */
  offSession?: boolean;
  /** The caller cannot send the card holder to the bank (`error_on_requires_action`): that is a decline too. */
  noAction?: boolean;
  /** The card holder just passed 3-D Secure. */
  authenticated?: boolean;
  returnUrl?: string | null;
}

const AUTHENTICATION_FAILED =
  'We are unable to authenticate your payment method. Please choose a different payment method and try again.';

/** Charges `method` for the intent, as far as the card lets it, and announces what happened. */
export function confirmIntent(
  sim: Simulation,
  intent: Stripe.PaymentIntent,
  method: Stripe.PaymentMethod,
  caller: Caller,
  options: ConfirmOptions = {},
): Confirmation {
  Object.assign(intent, { payment_method: method.id, last_payment_error: null, next_action: null });
  if (method.type !== 'card') return startDebit(sim, intent, method, caller);
  const situation = { offSession: options.offSession === true, authenticated: options.authenticated === true };
  const answer = bankAnswer(sim, method, situation);
  if (answer === 'authenticate') {
    if (options.noAction === true) return declineIntent(sim, intent, method, DECLINES.authentication_required, caller);
    Object.assign(intent, {
      status: 'requires_action',
      next_action: nextAction(sim, intent, options.returnUrl ?? null),
    });
    sim.store.put('payment_intents', intent);
    sim.emit(caller, 'payment_intent.requires_action', intent);
    return { kind: 'requires_action' };
  }
  if (answer !== undefined) return declineIntent(sim, intent, method, answer, caller);
  if (intent.setup_future_usage === 'off_session') markSetUp(sim, method);
  const charge = newCharge(sim, intent, method, 'succeeded', situation.authenticated);
  succeed(sim, intent, charge, caller);
  return { kind: 'succeeded' };
}

/** The card holder failed or gave up 3-D Secure: another payment method is needed; no charge was made. */
export function failAuthentication(sim: Simulation, intent: Stripe.PaymentIntent, caller: Caller): void {
  const method = sim.store.get('payment_methods', idOf(intent.payment_method) ?? '');
  intent.last_payment_error = {
    type: 'invalid_request_error',
    code: 'payment_intent_authentication_failure',
    doc_url: 'https://docs.stripe.com/error-codes/payment-intent-authentication-failure',
    message: AUTHENTICATION_FAILED,
    ...(method && { payment_method: structuredClone(method) }),
  };
  Object.assign(intent, { status: 'requires_payment_method', payment_method: null, next_action: null });
  sim.store.put('payment_intents', intent);
  sim.emit(caller, 'payment_intent.payment_failed', intent);
}

/** The bank's late answer to a debit that is `processing`. */
export function settleDebit(sim: Simulation, intent: Stripe.PaymentIntent, succeeded: boolean, caller: Caller): void {
  const charge = sim.store.get('charges', idOf(intent.latest_charge) ?? '');
  const method = sim.store.get('payment_methods', idOf(intent.payment_method) ?? '');
  if (charge === undefined || method === undefined) throw new Error(`${intent.id} has no pending charge`);
  if (succeeded) {
    Object.assign(charge, { status: 'succeeded', paid: true, captured: true, amount_captured: charge.amount });
    succeed(sim, intent, charge, caller);
    return;
  }
  returnDebit(sim, charge);
  fail(sim, intent, method, { charge, decline: DECLINES.debit_returned }, caller);
}

/** The bank has taken a debit back, perhaps after it was paid: what was counted of it is off the balance, fee and all. */
export function returnDebit(sim: Simulation, charge: Stripe.Charge): void {
  const { message: failure_message } = DECLINES.debit_returned;
  Object.assign(charge, { status: 'failed', paid: false, failure_code: 'insufficient_funds', failure_message });
  const booked = sim.store.get('balance_transactions', idOf(charge.balance_transaction) ?? '');
  if (booked) {
    const [amount, fee] = [charge.amount_refunded - charge.amount, -booked.fee];
    const back = { type: 'payment_failure_refund', currency: charge.currency, source: charge.id } as const;
    charge.failure_balance_transaction = book(sim, { ...back, amount, fee, availableOn: booked.available_on }).id;
  }
  sim.store.put('charges', charge);
}

function startDebit(
  sim: Simulation,
  intent: Stripe.PaymentIntent,
  method: Stripe.PaymentMethod,
  caller: Caller,
): Confirmation {
  const charge = newCharge(sim, intent, method, 'pending', false);
  Object.assign(intent, { status: 'processing', latest_charge: charge.id });
  sim.store.put('payment_intents', intent);
  sim.emit(caller, 'charge.pending', charge);
  sim.emit(caller, 'payment_intent.processing', intent);
  return { kind: 'processing' };
}

/**
 * The order is Stripe's: the charge, the intent, and then the charge again with its balance transaction, which
 * `automatic_async` capture books after the fact, so that `charge.succeeded` never carries it.
 * https://docs.stripe.com/payments/payment-intents/asynchronous-capture
 */
function succeed(sim: Simulation, intent: Stripe.PaymentIntent, charge: Stripe.Charge, caller: Caller): void {
  Object.assign(intent, {
    status: 'succeeded',
    amount_received: intent.amount,
    latest_charge: charge.id,
    last_payment_error: null,
    next_action: null,
  });
  charge.receipt_url = `${sim.url}/receipts/${charge.id}`;
  sim.store.put('charges', charge);
  sim.store.put('payment_intents', intent);
  sim.emit(caller, 'charge.succeeded', charge);
  sim.emit(caller, 'payment_intent.succeeded', intent);
  const method = sim.store.get('payment_methods', charge.payment_method ?? '');
  const behaviour = method === undefined ? {} : cardBehaviour(sim, method);
  // A debit may have been counted when it was submitted.
  charge.balance_transaction ??= bookCharge(sim, charge, behaviour.immediateFunds === true).id;
  sim.store.put('charges', charge);
  sim.emit(caller, 'charge.updated', charge, { balance_transaction: null });
  if (behaviour.afterwards) sim.agenda.plan('after_charge', charge.id, sim.now());
}

function declineIntent(
  sim: Simulation,
  intent: Stripe.PaymentIntent,
  method: Stripe.PaymentMethod,
  decline: Decline,
  caller: Caller,
): Confirmation {
  const charge = newCharge(sim, intent, method, decline, false);
  fail(sim, intent, method, { charge, decline }, caller);
  return { kind: 'declined', decline, charge: charge.id };
}

function fail(
  sim: Simulation,
  intent: Stripe.PaymentIntent,
  method: Stripe.PaymentMethod,
  why: { charge: Stripe.Charge; decline: Decline },
  caller: Caller,
): void {
  const { charge, decline } = why;
  const { code } = decline;
  Object.assign(intent, { status: 'requires_payment_method', payment_method: null, latest_charge: charge.id });
  intent.last_payment_error = {
    type: 'card_error',
    ...(decline.advice_code !== null && { advice_code: decline.advice_code }),
    charge: charge.id,
    code,
    decline_code: decline.decline_code,
    doc_url: `https://docs.stripe.com/error-codes/${code.replaceAll('_', '-')}`,
    message: decline.message,
    payment_method: structuredClone(method),
  };
  sim.store.put('charges', charge);
  sim.store.put('payment_intents', intent);
  sim.emit(caller, 'charge.failed', charge);
  sim.emit(caller, 'payment_intent.payment_failed', intent);
}

function nextAction(
  sim: Simulation,
  intent: Stripe.PaymentIntent,
  returnUrl: string | null,
): Stripe.PaymentIntent.NextAction {
  const url = `${sim.url}/3ds/${intent.id}`;
  if (returnUrl !== null) return { type: 'redirect_to_url', redirect_to_url: { return_url: returnUrl, url } };
  return { type: 'use_stripe_sdk', use_stripe_sdk: { type: 'three_d_secure_redirect', stripe_js: url } };
}
