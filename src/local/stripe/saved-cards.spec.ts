import Stripe from 'stripe';
import { type Bench, ref, refusalOf, startBench } from './simulator.fixture';

const URLS = { success_url: 'http://127.0.0.1:1/done', cancel_url: 'http://127.0.0.1:1/cancel' };
let bench: Bench;
let stripe: Stripe;

beforeAll(async () => {
  bench = await startBench();
  ({ stripe } = bench);
});
afterAll(() => bench.stop());

const topUp = (customer: string, more: Partial<Stripe.Checkout.SessionCreateParams> = {}) =>
  stripe.checkout.sessions.create({
    customer,
    line_items: [{ quantity: 1, price_data: { currency: 'usd', unit_amount: 2500, product_data: { name: 'Credit' } } }],
    ...URLS,
    ...more,
  });

describe('a card saved for later', () => {
  it('by a setup intent: attached when the bank agrees, announced in order', async () => {
    const { id: customer } = await stripe.customers.create();
    await bench.news();
    const intent = await stripe.setupIntents.create({ customer, metadata: { why: 'reload' } });
    expect(intent).toMatchObject({ status: 'requires_payment_method', usage: 'off_session', payment_method: null });
    const done = await stripe.setupIntents.confirm(intent.id, { payment_method: 'pm_card_visa' });
    expect(done).toMatchObject({ status: 'succeeded', metadata: { why: 'reload' } });
    expect(await bench.news()).toEqual(['setup_intent.created', 'payment_method.attached', 'setup_intent.succeeded']);
    const saved = await stripe.customers.retrievePaymentMethod(customer, ref(done.payment_method));
    expect(saved).toMatchObject({ customer, card: { last4: '4242' } });
    expect(await refusalOf(stripe.setupIntents.confirm(intent.id))).toMatchObject({
      code: 'setup_intent_unexpected_state',
    });
  });

  it('is declined by some banks already when it is set up; another card then helps', async () => {
    const intent = await stripe.setupIntents.create({ customer: (await stripe.customers.create()).id });
    const error = await refusalOf(
      stripe.setupIntents.confirm(intent.id, { payment_method: 'pm_card_chargeDeclinedLostCard' }),
    );
    expect(error).toBeInstanceOf(Stripe.errors.StripeCardError);
    expect(error).toMatchObject({ statusCode: 402, decline_code: 'lost_card', advice_code: 'do_not_try_again' });
    expect(await stripe.setupIntents.retrieve(intent.id)).toMatchObject({
      status: 'requires_payment_method',
      last_setup_error: { decline_code: 'lost_card', payment_method: { card: { last4: '9987' } } },
    });
    expect((await stripe.setupIntents.confirm(intent.id, { payment_method: 'pm_card_visa' })).status).toBe('succeeded');
  });

  it('can be given up, and found by its customer', async () => {
    const { id: customer } = await stripe.customers.create();
    const intent = await stripe.setupIntents.create({ customer });
    expect(await stripe.setupIntents.cancel(intent.id, { cancellation_reason: 'abandoned' })).toMatchObject({
      status: 'canceled',
      cancellation_reason: 'abandoned',
    });
    expect((await stripe.setupIntents.list({ customer })).data.map(({ id }) => id)).toEqual([intent.id]);
  });

  it('that asks for authentication asks once: afterwards it is charged off-session', async () => {
    const { id: customer } = await stripe.customers.create();
    const unsaved = { off_session: true } as const;
    expect(await refusalOf(bench.pay('pm_card_authenticationRequiredOnSetup', unsaved))).toMatchObject({
      statusCode: 402,
      code: 'authentication_required',
      payment_intent: { status: 'requires_payment_method' },
    });
    const intent = await stripe.setupIntents.create({
      customer,
      payment_method: 'pm_card_authenticationRequiredOnSetup',
      confirm: true,
      return_url: 'http://127.0.0.1:1/back',
    });
    expect(intent.status).toBe('requires_action');
    expect(await (await fetch(intent.next_action?.redirect_to_url?.url ?? '')).text()).toContain(
      'id="fail-authentication"',
    );
    await bench.press(`setup_intents/${intent.id}/authenticate`, { outcome: 'succeeded' });
    const done = await stripe.setupIntents.retrieve(intent.id);
    const paid = await bench.pay(ref(done.payment_method), { customer, off_session: true });
    expect(paid.status).toBe('succeeded');
  });

  it('by Checkout in setup mode: a card that needs authentication, through the page', async () => {
    const { id: customer } = await stripe.customers.create();
    const session = await stripe.checkout.sessions.create({
      ...URLS,
      mode: 'setup',
      currency: 'usd',
      customer,
      setup_intent_data: { metadata: { customer_id: 'cus_ours' } },
    });
    expect(session).toMatchObject({
      mode: 'setup',
      payment_status: 'no_payment_required',
      amount_total: null,
      payment_intent: null,
    });
    expect(await (await fetch(session.url ?? '')).text()).toContain('Nothing to pay');
    expect(await bench.press(`checkout/${session.id}/pay`, { card: '4000000000000002' })).toMatchObject({
      outcome: 'declined',
    });
    expect(await bench.press(`checkout/${session.id}/pay`, { card: '4000002500003155' })).toMatchObject({
      outcome: 'requires_action',
    });
    await bench.press(`checkout/${session.id}/authenticate`, { outcome: 'failed' });
    await bench.press(`checkout/${session.id}/pay`, { card: '4000002500003155' });
    await bench.press(`checkout/${session.id}/authenticate`, { outcome: 'succeeded' });
    const done = await stripe.checkout.sessions.retrieve(session.id, { expand: ['setup_intent.payment_method'] });
    expect(done).toMatchObject({
      status: 'complete',
      payment_status: 'no_payment_required',
      setup_intent: {
        status: 'succeeded',
        metadata: { customer_id: 'cus_ours' },
        payment_method: { customer, card: { last4: '3155' } },
      },
    });
    expect(await bench.news()).toEqual(expect.arrayContaining(['setup_intent.setup_failed']));
  });

  it('in setup mode is asked for nothing that costs money', async () => {
    const wrong = { ...URLS, mode: 'setup', currency: 'usd', payment_intent_data: {} } as const;
    const priced = { price: 'price_1', quantity: 1 };
    expect(
      await refusalOf(stripe.checkout.sessions.create({ ...wrong, payment_intent_data: { description: 'x' } })),
    ).toMatchObject({ param: 'payment_intent_data' });
    expect(
      await refusalOf(
        stripe.checkout.sessions.create({ ...URLS, mode: 'setup', currency: 'usd', line_items: [priced] }),
      ),
    ).toMatchObject({ param: 'line_items' });
    expect(await refusalOf(stripe.checkout.sessions.create({ ...URLS, mode: 'setup' }))).toMatchObject({
      code: 'parameter_missing',
      param: 'currency',
    });
  });

  it('by a top-up is offered on the next page when the person ticked the box, and pays there', async () => {
    const { id: customer } = await stripe.customers.create();
    const options = { saved_payment_method_options: { payment_method_save: 'enabled' } } as const;
    const first = await topUp(customer, options);
    expect(await (await fetch(first.url ?? '')).text()).toContain('id="save-card"');
    await bench.press(`checkout/${first.id}/pay`, { save: true });
    const [saved] = (await stripe.paymentMethods.list({ customer, allow_redisplay: 'always' })).data;
    const next = await topUp(customer, options);
    const page = await (await fetch(next.url ?? '')).text();
    expect(page).toContain(`value="${saved?.id}"`);
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const body = `payment_method=${saved?.id}`;
    const answer = await fetch(`${next.url}/pay`, { method: 'POST', headers, body, redirect: 'manual' });
    expect(answer.status).toBe(303);
    expect(
      (await stripe.checkout.sessions.retrieve(next.id, { expand: ['payment_intent'] })).payment_intent,
    ).toMatchObject({ status: 'succeeded', payment_method: saved?.id });
    expect((await stripe.paymentMethods.list({ customer })).data).toHaveLength(1);
  });

  it('by a top-up with setup_future_usage is for us, not for the page', async () => {
    const { id: customer } = await stripe.customers.create();
    const first = await topUp(customer, { payment_intent_data: { setup_future_usage: 'off_session' } });
    const { session } = await bench.press(`checkout/${first.id}/pay`);
    const [saved] = (await stripe.paymentMethods.list({ customer })).data;
    expect(saved?.allow_redisplay).toBe('limited');
    expect(await (await fetch((await topUp(customer)).url ?? '')).text()).not.toContain(saved?.id);
    expect((await bench.pay(saved?.id ?? '', { customer, off_session: true })).status).toBe('succeeded');
    expect(session.payment_status).toBe('paid');
  });

  it('can be the default, and is not any more when it is detached', async () => {
    const { customer, method } = await bench.customerWithCard();
    await stripe.customers.update(customer, { invoice_settings: { default_payment_method: method } });
    await stripe.paymentMethods.update(method, { billing_details: { name: 'Ada' }, card: { exp_year: 2039 } });
    expect(
      (await stripe.customers.retrieve(customer, { expand: ['invoice_settings.default_payment_method'] })) as object,
    ).toMatchObject({
      invoice_settings: { default_payment_method: { billing_details: { name: 'Ada' }, card: { exp_year: 2039 } } },
    });
    await stripe.paymentMethods.detach(method);
    expect((await stripe.customers.retrieve(customer)) as object).toMatchObject({
      invoice_settings: { default_payment_method: null },
    });
  });
});
