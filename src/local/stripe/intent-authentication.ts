import type Stripe from 'stripe';
import { showMoney } from './html';
import { idOf } from './ids';
import { requireIntent } from './payment-intents';
import { confirmIntent, failAuthentication } from './payment-lifecycle';
import { attachTo } from './payment-method-attachment';
import { confirmSetup, failSetupAuthentication } from './setup-intent-lifecycle';
import { requireSetupIntent } from './setup-intents';
import { NOBODY, type Simulation } from './simulation';
import { badState } from './stripe-fault';

/** A payment or setup intent, for the bank's question, which is the same for both. */
export type Intent = Stripe.PaymentIntent | Stripe.SetupIntent;

/** The intent of an id of either kind; throws 404. */
export function requireAnyIntent(sim: Simulation, id: string): Intent {
  return id.startsWith('seti_') ? requireSetupIntent(sim, id) : requireIntent(sim, id);
}

/** What the bank's page asks to confirm. */
export function questionOf(intent: Intent): string {
  return intent.object === 'setup_intent'
    ? 'that this card may be charged later'
    : `a payment of ${showMoney(intent.amount, intent.currency)}`;
}

/** The card holder's answer to the bank, for an intent confirmed through the API. Throws 400 when nobody asked. */
export function answerBank(sim: Simulation, intent: Intent, passed: boolean): Intent {
  const method = sim.store.get('payment_methods', idOf(intent.payment_method) ?? '');
  if (intent.status !== 'requires_action' || method === undefined) {
    throw badState(undefined, `This ${intent.object} does not wait for authentication: it is ${intent.status}.`);
  }
  if (intent.object === 'setup_intent') {
    if (passed) confirmSetup(sim, intent, method, NOBODY, { authenticated: true });
    else failSetupAuthentication(sim, intent, NOBODY);
    return intent;
  }
  if (!passed) {
    failAuthentication(sim, intent, NOBODY);
    return intent;
  }
  const outcome = confirmIntent(sim, intent, method, NOBODY, { authenticated: true });
  const customer = idOf(intent.customer);
  if (outcome.kind === 'succeeded' && intent.setup_future_usage !== null && customer !== null) {
    attachTo(sim, method, customer, NOBODY);
  }
  return intent;
}

/** Where the bank sends the browser back to, when the one who confirmed named a `return_url`. */
export function returnUrlOf(intent: Intent, asked: string | null | undefined): string | undefined {
  if (!asked) return undefined;
  const url = new URL(asked);
  url.searchParams.set(intent.object, intent.id);
  url.searchParams.set(`${intent.object}_client_secret`, intent.client_secret ?? '');
  url.searchParams.set('redirect_status', intent.status === 'succeeded' ? 'succeeded' : 'failed');
  return url.href;
}
