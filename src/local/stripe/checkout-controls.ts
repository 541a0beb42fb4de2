import type Stripe from 'stripe';
import { newCard, validCard } from './card';
import { type Billing } from './checkout-billing';
import { type Payment, authenticateSession, payLater, submitDebit, paySession, settleAsync } from './checkout-payment';
import { expireSession, requireSession } from './checkout-sessions';
import { type Control, type ControlBody } from './control';
import { idOf, newId } from './ids';
import { requireMethod } from './payment-methods';
import { NOBODY, type Simulation } from './simulation';
import { badState } from './stripe-fault';

const OUTCOMES = ['succeeded', 'failed'] as const;
const BILLING = ['country', 'name', 'postal_code', 'state', 'tax_id'];
const DEFAULT_CARD = '4242424242424242';

/** The buttons of the hosted page, for scripts. Each answers `{ outcome, session }`. */
export const checkoutControls: readonly Control[] = [
  {
    path: 'checkout/:id/pay',
    press: ({ sim, id, body }) => {
      body.only('card', 'payment_method', 'save', ...BILLING);
      const session = requireSession(sim, id);
      return shown(paySession(sim, session, cardOf(sim, body), body.boolean('save'), billingOf(body)));
    },
  },
  {
    path: 'checkout/:id/pay_again',
    press: ({ sim, id, body }) => {
      body.only('card');
      const again = repeatSession(sim, requireSession(sim, id));
      return shown(paySession(sim, again, cardOf(sim, body)));
    },
  },
  {
    path: 'checkout/:id/authenticate',
    press: ({ sim, id, body }) => {
      const passed = body.only('outcome').required('outcome', OUTCOMES) === 'succeeded';
      return shown(authenticateSession(sim, requireSession(sim, id), passed));
    },
  },
  {
    path: 'checkout/:id/pay_later',
    press: ({ sim, id, body }) => {
      const billing = billingOf(body.only('submitted', ...BILLING));
      const paid = payLater(sim, requireSession(sim, id), billing);
      if (body.boolean('submitted') === true) submitDebit(sim, paid.session);
      return shown(paid);
    },
  },
  {
    path: 'checkout/:id/settle_async',
    press: ({ sim, id, body }) => {
      const session = requireSession(sim, id);
      settleAsync(sim, session, body.only('outcome').required('outcome', OUTCOMES));
      return { outcome: session.payment_status, session };
    },
  },
  {
    path: 'checkout/:id/expire',
    press: ({ sim, id }) => {
      const session = requireSession(sim, id);
      expireSession(sim, session, NOBODY);
      return { outcome: session.status, session };
    },
  },
];

/** `card` is a number, `payment_method` one that was saved before; without either a 4242. */
function cardOf(sim: Simulation, body: ControlBody): Stripe.PaymentMethod {
  const saved = body.string('payment_method');
  if (saved !== undefined) return requireMethod(sim, saved);
  return newCard(sim, validCard(sim, (body.string('card') ?? DEFAULT_CARD).replaceAll(/[ -]/g, '')));
}

/** `tax_id` is of the EU when it says no type. */
function billingOf(body: ControlBody): Billing {
  const [country, name, state, postalCode] = ['country', 'name', 'state', 'postal_code'].map((field) =>
    body.string(field),
  );
  const { type = 'eu_vat', value } = body.hash('tax_id') ?? {};
  return { country, name, state, postalCode, taxId: value === undefined ? undefined : { type, value } };
}

/** A second session of the same contents and metadata: how one thing comes to be paid twice. */
function repeatSession(sim: Simulation, first: Stripe.Checkout.Session): Stripe.Checkout.Session {
  const plan = sim.store.get('session_plans', first.id);
  if (plan === undefined) throw badState(undefined, 'This Checkout Session takes no payment.');
  const id = newId('cs_test', 58);
  sim.store.put('session_plans', { ...structuredClone(plan), id });
  return sim.store.put('sessions', {
    ...structuredClone(first),
    ...{ id, created: sim.now(), customer: idOf(first.customer), payment_intent: null },
    ...{ status: 'open', payment_status: 'unpaid', url: `${sim.url}/c/pay/${id}` },
  });
}

function shown(payment: Payment): object {
  const { kind, session } = payment;
  const why = payment.kind === 'declined' ? { code: payment.code, message: payment.message } : {};
  return { outcome: kind, ...why, session };
}
