import type Stripe from 'stripe';
import { bankAnswer, cardBehaviour, markSetUp } from './card';
import { type Decline } from './decline';
import { idOf, newId } from './ids';
import { attachTo } from './payment-method-attachment';
import { type Caller, type Simulation } from './simulation';
import { StripeFault } from './stripe-fault';

export type SetupFields = Pick<Stripe.SetupIntent, 'metadata'> &
  Partial<Pick<Stripe.SetupIntent, 'customer' | 'description' | 'payment_method' | 'usage'>>;

/** What confirming came to; after a decline the intent asks for another payment method. */
export type Setup = { kind: 'succeeded' | 'requires_action' } | { kind: 'declined'; decline: Decline };

const ENDED: readonly string[] = ['succeeded', 'canceled'];

/** A new intent to save a card, announced. https://docs.stripe.com/payments/setupintents/lifecycle */
export function createSetupIntent(sim: Simulation, fields: SetupFields, caller: Caller): Stripe.SetupIntent {
  const id = newId('seti');
  const intent: Stripe.SetupIntent = {
    id,
    object: 'setup_intent',
    allowed_payment_method_types: null,
    application: null,
    automatic_payment_methods: { allow_redirects: 'always', enabled: true },
    cancellation_reason: null,
    client_secret: `${id}_${newId('secret')}`,
    created: sim.now(),
    customer: null,
    customer_account: null,
    description: null,
    excluded_payment_method_types: null,
    flow_directions: null,
    last_setup_error: null,
    latest_attempt: null,
    livemode: false,
    managed_payments: null,
    mandate: null,
    next_action: null,
    on_behalf_of: null,
    payment_method: null,
    payment_method_configuration_details: null,
    payment_method_options: { card: { mandate_options: null, network: null, request_three_d_secure: 'automatic' } },
    payment_method_types: ['card'],
    single_use_mandate: null,
    status: fields.payment_method ? 'requires_confirmation' : 'requires_payment_method',
    usage: 'off_session',
    ...fields,
  };
  sim.store.put('setup_intents', intent);
  sim.emit(caller, 'setup_intent.created', intent);
  return intent;
}

/** Asks the bank to let `method` be charged later, and attaches it to the intent's customer when it agrees. */
export function confirmSetup(
  sim: Simulation,
  intent: Stripe.SetupIntent,
  method: Stripe.PaymentMethod,
  caller: Caller,
  options: { authenticated?: boolean; returnUrl?: string | null } = {},
): Setup {
  assertOpen(intent, 'confirm');
  Object.assign(intent, { payment_method: method.id, last_setup_error: null, next_action: null });
  const { failsToAttach } = cardBehaviour(sim, method);
  const answer = bankAnswer(sim, method, { offSession: false, authenticated: options.authenticated === true });
  if (answer === 'authenticate') {
    const url = `${sim.url}/3ds/${intent.id}`;
    const next_action = { type: 'redirect_to_url', redirect_to_url: { return_url: options.returnUrl ?? null, url } };
    Object.assign(intent, { status: 'requires_action', next_action });
    sim.store.put('setup_intents', intent);
    sim.emit(caller, 'setup_intent.requires_action', intent);
    return { kind: 'requires_action' };
  }
  // Some cards are good for nothing but being saved (4000 0000 0000 0341).
  if (answer !== undefined && (failsToAttach || answer.code === 'expired_card')) {
    failSetup(sim, intent, { type: 'card_error', ...asError(answer) }, caller);
    return { kind: 'declined', decline: answer };
  }
  Object.assign(intent, { status: 'succeeded' });
  sim.store.put('setup_intents', intent);
  if (intent.usage === 'off_session') markSetUp(sim, method);
  const customer = idOf(intent.customer);
  if (customer !== null) attachTo(sim, method, customer, caller);
  sim.emit(caller, 'setup_intent.succeeded', intent);
  return { kind: 'succeeded' };
}

/** The card holder failed or gave up 3-D Secure. */
export function failSetupAuthentication(sim: Simulation, intent: Stripe.SetupIntent, caller: Caller): void {
  const message =
    'We are unable to authenticate your payment method. Please choose a different payment method and try again.';
  const code = 'setup_intent_authentication_failure';
  failSetup(sim, intent, { type: 'invalid_request_error', code, message }, caller);
}

/** Cancels an intent that has not ended; announced. Throws 400 otherwise. */
export function cancelSetup(
  sim: Simulation,
  intent: Stripe.SetupIntent,
  reason: Stripe.SetupIntent.CancellationReason | null,
  caller: Caller,
): void {
  assertOpen(intent, 'cancel');
  Object.assign(intent, { status: 'canceled', cancellation_reason: reason, next_action: null });
  sim.store.put('setup_intents', intent);
  sim.emit(caller, 'setup_intent.canceled', intent);
}

export function assertOpen(intent: Stripe.SetupIntent, verb: string): void {
  if (!ENDED.includes(intent.status)) return;
  throw new StripeFault(400, {
    type: 'invalid_request_error',
    code: 'setup_intent_unexpected_state',
    message: `You cannot ${verb} this SetupIntent because it has a status of ${intent.status}.`,
    setup_intent: structuredClone(intent),
  });
}

function failSetup(
  sim: Simulation,
  intent: Stripe.SetupIntent,
  error: Stripe.SetupIntent.LastSetupError,
  caller: Caller,
): void {
  const method = sim.store.get('payment_methods', idOf(intent.payment_method) ?? '');
  intent.last_setup_error = { ...error, ...(method && { payment_method: structuredClone(method) }) };
  Object.assign(intent, { status: 'requires_payment_method', payment_method: null, next_action: null });
  sim.store.put('setup_intents', intent);
  sim.emit(caller, 'setup_intent.setup_failed', intent);
}

function asError({ code, decline_code, advice_code, message }: Decline) {
  return { code, decline_code, message, ...(advice_code !== null && { advice_code }) };
}
