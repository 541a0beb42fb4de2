import Stripe from 'stripe';
import { type Bench, refusalOf, startBench } from './simulator.fixture';

let bench: Bench;
let stripe: Stripe;

beforeAll(async () => {
  bench = await startBench();
  ({ stripe } = bench);
});
afterAll(() => bench.stop());

describe('a payment without the card holder', () => {
  it.each([
    ['4000000000000002', 'card_declined', 'generic_decline', 'try_again_later'],
    ['4000000000009995', 'card_declined', 'insufficient_funds', 'try_again_later'],
    ['4000000000009987', 'card_declined', 'lost_card', 'do_not_try_again'],
    ['4000000000009979', 'card_declined', 'stolen_card', 'do_not_try_again'],
    ['4000000000000069', 'expired_card', 'expired_card', 'do_not_try_again'],
    ['4000000000000127', 'incorrect_cvc', 'incorrect_cvc', 'confirm_card_data'],
    ['4000000000000119', 'processing_error', 'processing_error', 'try_again_later'],
    ['4000002760003184', 'authentication_required', 'authentication_required', undefined],
  ])(
    'is refused when the saved card has become %s, and works when it is good again',
    async (card, code, why, advice) => {
      const { customer, method } = await bench.customerWithCard();
      await bench.press(`payment_methods/${method}/become`, { card });
      const off = { customer, off_session: true, error_on_requires_action: true } as const;
      const error = await refusalOf(bench.pay(method, off));
      expect(error).toBeInstanceOf(Stripe.errors.StripeCardError);
      expect(error).toMatchObject({ statusCode: 402, code, decline_code: why, payment_method: { id: method } });
      expect(error.advice_code).toBe(advice);
      expect(error.payment_intent).toMatchObject({
        status: 'requires_payment_method',
        last_payment_error: { code, payment_method: { id: method } },
      });
      await bench.press(`payment_methods/${method}/become`, { card: '4242424242424242' });
      expect((await bench.pay(method, off)).status).toBe('succeeded');
    },
  );

  it('that was refused for want of authentication is finished on the bank’s page', async () => {
    const { customer, method } = await bench.customerWithCard('pm_card_authenticationRequired');
    const error = await refusalOf(bench.pay(method, { customer, off_session: true }));
    const intent = error.payment_intent?.id ?? '';
    const asked = await stripe.paymentIntents.confirm(intent, {
      payment_method: method,
      return_url: 'http://127.0.0.1:1/back?mine=1',
    });
    expect(asked).toMatchObject({ status: 'requires_action', next_action: { type: 'redirect_to_url' } });
    const page = asked.next_action?.redirect_to_url?.url ?? '';
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const answer = await fetch(page, { method: 'POST', headers, body: 'outcome=passed', redirect: 'manual' });
    expect(answer.headers.get('location')).toMatch(/back\?mine=1&payment_intent=pi_.*redirect_status=succeeded/);
    expect(await stripe.paymentIntents.retrieve(intent)).toMatchObject({
      status: 'succeeded',
      amount_received: 10_000,
    });
    await expect(bench.press(`payment_intents/${intent}/authenticate`, { outcome: 'succeeded' })).rejects.toThrow(
      'does not wait',
    );
  });

  it('works with a card that was set up elsewhere, which the bank asks for only on-session', async () => {
    expect((await bench.pay('pm_card_authenticationRequiredSetupForOffSession', { off_session: true })).status).toBe(
      'succeeded',
    );
    expect((await bench.pay('pm_card_authenticationRequiredSetupForOffSession')).status).toBe('requires_action');
  });

  it('hears of a card that the bank replaced', async () => {
    const { method } = await bench.customerWithCard();
    await bench.press(`payment_methods/${method}/automatically_update`, { exp_month: 3, exp_year: 2041 });
    const [event] = (await stripe.events.list({ type: 'payment_method.automatically_updated' })).data;
    expect(event?.data).toMatchObject({ object: { id: method, card: { exp_year: 2041 } }, previous_attributes: {} });
  });
});
