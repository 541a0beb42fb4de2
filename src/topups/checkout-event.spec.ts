import fc from 'fast-check';
import { newsOf } from './checkout-event';
import { readStripeEvent } from './stripe-event';
import { WebhookUnreadableError } from './topup-error';

const SESSION = {
  id: 'cs_1',
  object: 'checkout.session',
  amount_total: 2500,
  currency: 'usd',
  metadata: { topup_id: 'top_1' },
  payment_intent: 'pi_1',
  payment_status: 'paid',
  total_details: { amount_discount: 0, amount_shipping: 0, amount_tax: 0 },
};
const bodyOf = (type: string, object: object) =>
  JSON.stringify({ id: 'evt_1', object: 'event', type, created: 1_790_000_000, data: { object } });
const news = (type: string, changes: object = {}) => {
  const event = readStripeEvent(bodyOf(type, { ...SESSION, ...changes }));
  return event && newsOf(event);
};
const COMPLETED = 'checkout.session.completed';
const checkout = { sessionId: 'cs_1', topUpId: 'top_1' };

describe('an event of Stripe', () => {
  it('is a payment when the session is paid', () => {
    const payment = { paymentIntentId: 'pi_1', currency: 'usd', total: 2500, tax: 0 };
    expect(news(COMPLETED)).toEqual({ kind: 'paid', checkout, payment });
    const delayed = { kind: 'paid', checkout, payment, isDelayed: true };
    expect(news('checkout.session.async_payment_succeeded')).toEqual(delayed);
    expect(news(COMPLETED, { payment_intent: { id: 'pi_2' }, total_details: null })).toMatchObject({
      payment: { paymentIntentId: 'pi_2', tax: 0 },
    });
    expect(news(COMPLETED, { payment_intent: null })).toMatchObject({ payment: { paymentIntentId: 'cs_1' } });
    expect(news(COMPLETED, { metadata: null })).toMatchObject({ checkout: { sessionId: 'cs_1', topUpId: null } });
  });

  it('is no money before the bank has paid, or when nothing was to be paid', () => {
    expect(news(COMPLETED, { payment_status: 'unpaid' })).toEqual({ kind: 'awaiting_bank', checkout });
    expect(news('checkout.session.async_payment_succeeded', { payment_status: 'unpaid' })?.kind).toBe('awaiting_bank');
    expect(news(COMPLETED, { payment_status: 'no_payment_required' })).toEqual({ kind: 'nothing_paid', checkout });
    expect(news(COMPLETED, { amount_total: 0 })).toEqual({ kind: 'nothing_paid', checkout });
  });

  it('tells of the end of a session', () => {
    expect(news('checkout.session.async_payment_failed')).toEqual({ kind: 'failed', checkout });
    expect(news('checkout.session.expired')).toEqual({ kind: 'expired', checkout });
  });

  it('tells when a charge is booked, and only then', () => {
    const charge = { id: 'ch_1', payment_intent: 'pi_1', balance_transaction: 'txn_1' };
    expect(news('charge.updated', charge)).toEqual({ kind: 'charge_booked', paymentIntentId: 'pi_1' });
    expect(news('charge.updated', { ...charge, balance_transaction: null })).toBeUndefined();
    expect(news('charge.updated', { ...charge, payment_intent: null })).toBeUndefined();
  });

  it('of another kind is nothing to us', () => {
    expect(news('invoice.paid')).toBeUndefined();
    expect(readStripeEvent('{"id":"evt_1","object":"v2.core.event","type":"x","created":"2026"}')).toBeUndefined();
  });

  it.each([
    { payment_status: 'later' },
    { amount_total: null },
    { amount_total: -1 },
    { amount_total: 10.5 },
    { amount_total: '2500' },
    { total_details: { amount_tax: 2501 } },
    { currency: null },
    { id: 7 },
  ])('with %j is refused, so that Stripe sends it again', (changes) => {
    expect(() => news(COMPLETED, changes)).toThrow(WebhookUnreadableError);
  });

  it('is read without surprise from any text', () => {
    const types = fc.constantFrom(COMPLETED, 'checkout.session.expired', 'charge.updated', 'x');
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => expect(() => readStripeEvent(text)).not.toThrow()),
    );
    fc.assert(
      fc.property(types, fc.object({ key: fc.constantFrom(...Object.keys(SESSION)) }), (type, object) => {
        const event = readStripeEvent(bodyOf(type, object));
        expect(() => {
          try {
            if (event) newsOf(event);
          } catch (error) {
            if (!(error instanceof WebhookUnreadableError)) throw error;
          }
        }).not.toThrow();
      }),
    );
  });
});
