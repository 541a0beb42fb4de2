import Stripe from 'stripe';
import { type Bench, ref, refusalOf as refusal, startBench } from './simulator.fixture';

let bench: Bench;
let stripe: Stripe;

beforeAll(async () => {
  bench = await startBench();
  ({ stripe } = bench);
});
afterAll(() => bench.stop());

describe('payments through the API', () => {
  const confirm = (payment_method: string, more: object = {}): Promise<Stripe.PaymentIntent> =>
    stripe.paymentIntents.create({ amount: 2000, currency: 'usd', payment_method, confirm: true, ...more });

  it.each([
    ['pm_card_chargeDeclined', 'card_declined', 'generic_decline'],
    ['pm_card_chargeDeclinedInsufficientFunds', 'card_declined', 'insufficient_funds'],
    ['pm_card_chargeDeclinedExpiredCard', 'expired_card', 'expired_card'],
    ['pm_card_chargeDeclinedIncorrectCvc', 'incorrect_cvc', 'incorrect_cvc'],
    ['pm_card_chargeCustomerFail', 'card_declined', 'generic_decline'],
  ])('decline %s with %s', async (method, code, decline) => {
    const error = await refusal(confirm(method));
    expect(error).toBeInstanceOf(Stripe.errors.StripeCardError);
    expect(error).toMatchObject({ statusCode: 402, code, decline_code: decline });
    expect(error.payment_intent).toMatchObject({ status: 'requires_payment_method', last_payment_error: { code } });
    const charge = await stripe.charges.retrieve(String(error.charge));
    expect(charge).toMatchObject({ status: 'failed', paid: false, failure_code: code, balance_transaction: null });
  });

  it('decline numbers that are no test card, and refuse those that cannot be one', async () => {
    const real = await stripe.paymentMethods.create({
      type: 'card',
      card: { number: '4111111111111111', exp_month: 1, exp_year: 2040, cvc: '123' },
    });
    expect(await refusal(confirm(real.id))).toMatchObject({ decline_code: 'test_mode_live_card' });
    const wrong = stripe.paymentMethods.create({
      type: 'card',
      card: { number: '4242424242424241', exp_month: 1, exp_year: 2040 },
    });
    expect(await refusal(wrong)).toMatchObject({ statusCode: 402, code: 'incorrect_number' });
  });

  it('keep a card for later, and charge it without the card holder', async () => {
    const { id: customer } = await stripe.customers.create();
    const first = await confirm('pm_card_visa', { customer, setup_future_usage: 'off_session' });
    const saved = await stripe.paymentMethods.list({ customer, type: 'card' });
    expect(saved.data.map(({ id }) => id)).toEqual([first.payment_method]);
    const later = await confirm(ref(first.payment_method), { customer, off_session: true });
    expect(later.status).toBe('succeeded');
    await stripe.paymentMethods.detach(ref(first.payment_method));
    expect((await stripe.customers.listPaymentMethods(customer)).data).toEqual([]);
  });

  it('attach 0341 and fail to charge it; do not attach a declined card', async () => {
    const { id: customer } = await stripe.customers.create();
    const attached = await stripe.paymentMethods.attach('pm_card_chargeCustomerFail', { customer });
    expect(attached.customer).toBe(customer);
    expect(await refusal(confirm(attached.id, { customer }))).toMatchObject({ code: 'card_declined' });
    expect(await refusal(stripe.paymentMethods.attach('pm_card_chargeDeclined', { customer }))).toMatchObject({
      statusCode: 402,
    });
  });

  it('ask for authentication on-session and decline off-session', async () => {
    const asked = await confirm('pm_card_authenticationRequired', { return_url: 'http://127.0.0.1:1/back' });
    expect(asked).toMatchObject({ status: 'requires_action', next_action: { type: 'redirect_to_url' } });
    const page = asked.next_action?.redirect_to_url?.url ?? '';
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const answer = await fetch(page, { method: 'POST', headers, body: 'outcome=passed', redirect: 'manual' });
    expect(answer.headers.get('location')).toContain('redirect_status=succeeded');
    expect((await stripe.paymentIntents.retrieve(asked.id)).status).toBe('succeeded');
    const away = await refusal(confirm('pm_card_authenticationRequired', { off_session: true }));
    expect(away).toMatchObject({ statusCode: 402, code: 'authentication_required' });
    const strict = await refusal(confirm('pm_card_authenticationRequired', { error_on_requires_action: true }));
    expect(strict).toMatchObject({ statusCode: 402, code: 'authentication_required' });
  });

  it('can be canceled until they are paid', async () => {
    const open = await stripe.paymentIntents.create({ amount: 500, currency: 'usd' });
    const canceled = await stripe.paymentIntents.cancel(open.id, { cancellation_reason: 'abandoned' });
    expect(canceled).toMatchObject({ status: 'canceled', cancellation_reason: 'abandoned' });
    const paid = await confirm('pm_card_visa');
    expect(await refusal(stripe.paymentIntents.cancel(paid.id))).toMatchObject({
      code: 'payment_intent_unexpected_state',
    });
    expect(await refusal(stripe.paymentIntents.confirm(open.id))).toMatchObject({
      code: 'payment_intent_unexpected_state',
    });
  });

  it('add up in the balance', async () => {
    await bench.press('account', { settlementCurrencies: ['usd', 'eur'] });
    const before = await stripe.balance.retrieve();
    await confirm('pm_card_visa', { currency: 'eur' });
    await confirm('pm_card_bypassPending', { currency: 'eur' });
    const after = await stripe.balance.retrieve();
    const net = 2000 - 88;
    expect(before.pending.find(({ currency }) => currency === 'eur')?.amount).toBe(0);
    expect(after.pending.find(({ currency }) => currency === 'eur')?.amount).toBe(net);
    expect(after.available.find(({ currency }) => currency === 'eur')?.amount).toBe(net);
    const [entry] = (await stripe.balanceTransactions.list({ currency: 'eur', expand: ['data.source'] })).data;
    expect(entry).toMatchObject({
      net,
      status: 'available',
      fee_details: [{ amount: 88, type: 'stripe_fee' }],
      source: { object: 'charge' },
    });
    expect((await stripe.balanceTransactions.retrieve(entry?.id ?? '')).id).toBe(entry?.id);
  });
});
