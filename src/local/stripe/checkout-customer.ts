import type Stripe from 'stripe';
import { createCustomer } from './customers';
import { idOf } from './ids';
import { Params } from './params';
import { NOBODY, type Simulation } from './simulation';
import { noSuch } from './stripe-fault';

/** A guest becomes a customer when the session asks for one or keeps the card for later. */
export function customerOf(sim: Simulation, session: Stripe.Checkout.Session, keepsCard: boolean): string | null {
  const existing = idOf(session.customer);
  if (existing !== null || (session.customer_creation !== 'always' && !keepsCard)) return existing;
  const email = session.customer_email;
  const customer = createCustomer(sim, new Params(new Map(email === null ? [] : [['email', email]])), NOBODY);
  session.customer = customer.id;
  return customer.id;
}

/**
 * The customer's cards that the page offers again: those whose `allow_redisplay` is among the session's filters.
 * https://docs.stripe.com/payments/checkout/save-during-payment
 */
export function savedCards(sim: Simulation, session: Stripe.Checkout.Session): Stripe.PaymentMethod[] {
  const customer = idOf(session.customer);
  const filters = session.saved_payment_method_options?.allow_redisplay_filters ?? [];
  if (customer === null || session.mode === 'setup') return [];
  return sim.store.all('payment_methods').filter(({ customer: owner, allow_redisplay: shown = 'unspecified' }) => {
    return owner === customer && filters.some((filter) => filter === shown);
  });
}

/** One of those cards, by id; throws 400 for any other. */
export function requireSavedCard(sim: Simulation, session: Stripe.Checkout.Session, id: string): Stripe.PaymentMethod {
  const method = savedCards(sim, session).find((card) => card.id === id);
  if (method === undefined) throw noSuch('PaymentMethod', id, 'payment_method');
  return method;
}
