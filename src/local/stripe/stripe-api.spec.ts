import Stripe from 'stripe';
import { idOf } from './ids';
import { API_VERSION } from './simulation';
import { type StripeSimulator, startStripeSimulator } from './stripe-simulator';

let simulator: StripeSimulator;
let stripe: Stripe;

/** The package as the product uses it; nothing of it is replaced. */
function client(key = simulator.secretKey, maxNetworkRetries = 0): Stripe {
  const { host, port } = simulator;
  return new Stripe(key, { host, port, protocol: 'http', telemetry: false, maxNetworkRetries });
}

async function refusal(attempt: Promise<unknown>): Promise<Stripe.errors.StripeError> {
  return attempt.then(
    () => Promise.reject(new Error('it was not refused')),
    (error: unknown) => error as Stripe.errors.StripeError,
  );
}

beforeAll(async () => {
  simulator = await startStripeSimulator();
  stripe = client();
});
afterAll(() => simulator.stop());

describe('the API', () => {
  it('speaks the version the package pins', () => {
    expect(API_VERSION).toBe(Stripe.API_VERSION);
  });

  it('refuses another key, in Stripe’s words', async () => {
    const error = await refusal(client('sk_test_wrong_key').customers.list());
    expect(error).toBeInstanceOf(Stripe.errors.StripeAuthenticationError);
    expect(error.statusCode).toBe(401);
    const basic = Buffer.from(`${simulator.secretKey}:`).toString('base64');
    const answer = await fetch(`${simulator.url}/v1/customers`, { headers: { authorization: `Basic ${basic}` } });
    expect(answer.status).toBe(200);
    expect((await fetch(`${simulator.url}/v1/nothing`)).status).toBe(401);
  });

  it('gives every answer a request id and the version asked for', async () => {
    const customer = await stripe.customers.create({ email: 'ada@example.com' });
    expect(customer.lastResponse).toMatchObject({ statusCode: 200, apiVersion: API_VERSION });
    expect(customer.lastResponse.requestId).toMatch(/^req_/);
  });

  it('keeps, changes and deletes customers', async () => {
    const made = await stripe.customers.create({
      name: 'Ada',
      metadata: { a: '1', b: '2' },
      address: { city: 'London' },
    });
    expect(made).toMatchObject({
      object: 'customer',
      name: 'Ada',
      metadata: { a: '1', b: '2' },
      address: { city: 'London', line1: null },
    });
    const changed = await stripe.customers.update(made.id, { metadata: { a: '', c: '3' }, name: 'Lovelace' });
    expect(changed.metadata).toEqual({ b: '2', c: '3' });
    const [updated] = (await stripe.events.list({ type: 'customer.updated' })).data;
    expect(updated?.data.previous_attributes).toEqual({ metadata: { a: '1', b: '2' }, name: 'Ada' });
    expect(await stripe.customers.del(made.id)).toMatchObject({ deleted: true });
    expect(await stripe.customers.retrieve(made.id)).toMatchObject({ id: made.id, deleted: true });
  });

  it('names what is wrong with a request', async () => {
    const unknown = await refusal(stripe.customers.create({ emial: 'x' } as Stripe.CustomerCreateParams));
    expect(unknown).toMatchObject({
      statusCode: 400,
      code: 'parameter_unknown',
      param: 'emial',
      rawType: 'invalid_request_error',
    });
    const nested = {
      line_items: [{ quantity: 1, price_data: { currency: 'usd', unit_amnt: 1 } }],
      success_url: 'http://localhost/',
    };
    expect(await refusal(stripe.checkout.sessions.create(nested as Stripe.Checkout.SessionCreateParams))).toMatchObject(
      {
        code: 'parameter_unknown',
        param: 'line_items[0][price_data][unit_amnt]',
      },
    );
    // Removed in 23.0: https://github.com/stripe/stripe-node/blob/master/CHANGELOG.md
    const removed = {
      payment_method_types: ['card'],
      success_url: 'http://localhost/',
    } as Stripe.Checkout.SessionCreateParams;
    expect(await refusal(stripe.checkout.sessions.create(removed))).toMatchObject({ code: 'parameter_unknown' });
    expect(await refusal(stripe.prices.create({} as Stripe.PriceCreateParams))).toMatchObject({
      code: 'parameter_missing',
      param: 'currency',
    });
    expect(await refusal(stripe.customers.retrieve('cus_none'))).toMatchObject({
      statusCode: 404,
      code: 'resource_missing',
      param: 'id',
    });
    const stranger = stripe.paymentIntents.create({ amount: 500, currency: 'usd', customer: 'cus_none' });
    expect(await refusal(stranger)).toMatchObject({ statusCode: 400, code: 'resource_missing', param: 'customer' });
    expect(await refusal(stripe.paymentIntents.create({ amount: 1, currency: 'usd' }))).toMatchObject({
      code: 'amount_too_small',
    });
    expect(await refusal(stripe.coupons.list())).toMatchObject({ statusCode: 404, rawType: 'invalid_request_error' });
  });

  it('pages through 25 customers, forwards and back', async () => {
    const email = 'page@example.com';
    const made: string[] = [];
    for (let count = 0; count < 25; count += 1) made.push((await stripe.customers.create({ email })).id);
    const seen: string[] = [];
    for await (const customer of stripe.customers.list({ email, limit: 10 })) seen.push(customer.id);
    expect(seen).toEqual(made.toReversed());
    const oldest = made[0] as string;
    const back: string[] = [];
    for await (const customer of stripe.customers.list({ email, limit: 7, ending_before: oldest }))
      back.push(customer.id);
    expect(back).toEqual(made.slice(1));
    const first = await stripe.customers.list({ email, limit: 10 });
    expect(first).toMatchObject({ object: 'list', url: '/v1/customers', has_more: true });
    const future = Math.floor(Date.now() / 1000) + 60;
    expect((await stripe.customers.list({ created: { gte: future } })).data).toEqual([]);
    expect((await stripe.customers.list({ created: { lt: future }, email, limit: 100 })).data).toHaveLength(25);
    expect(await refusal(stripe.customers.list({ limit: 101 }))).toMatchObject({ param: 'limit' });
  });

  it('expands references, also in lists and several levels deep', async () => {
    const customer = await stripe.customers.create({ name: 'Expanded' });
    const paid = await stripe.paymentIntents.create({
      amount: 1000,
      currency: 'usd',
      customer: customer.id,
      payment_method: 'pm_card_visa',
      confirm: true,
      expand: ['customer', 'latest_charge.balance_transaction'],
    });
    expect(paid).toMatchObject({ status: 'succeeded', customer: { name: 'Expanded' } });
    expect(paid.latest_charge).toMatchObject({
      balance_transaction: { amount: 1000, fee: 59, net: 941, type: 'charge' },
    });
    const [listed] = (await stripe.paymentIntents.list({ customer: customer.id, expand: ['data.customer'] })).data;
    expect(listed?.customer).toMatchObject({ id: customer.id });
    expect(await refusal(stripe.customers.retrieve(customer.id, { expand: ['name'] }))).toMatchObject({
      statusCode: 400,
    });
    const price = await stripe.prices.create({
      currency: 'usd',
      unit_amount: 5,
      product_data: { name: 'Credit' },
      expand: ['product'],
    });
    expect(price.product).toMatchObject({ name: 'Credit' });
    expect(price.unit_amount_decimal?.toString()).toBe('5');
  });

  it('keeps no object that an expansion could change', async () => {
    const intent = await stripe.paymentIntents.create({
      amount: 500,
      currency: 'usd',
      customer: (await stripe.customers.create()).id,
    });
    await stripe.paymentIntents.retrieve(intent.id, { expand: ['customer'] });
    expect((await stripe.paymentIntents.retrieve(intent.id)).customer).toBe(intent.customer);
  });
});

describe('idempotency keys', () => {
  it('repeat the first answer', async () => {
    const first = await stripe.customers.create({ name: 'Once' }, { idempotencyKey: 'once' });
    const again = await stripe.customers.create({ name: 'Once' }, { idempotencyKey: 'once' });
    expect(again.id).toBe(first.id);
    expect(again.lastResponse.headers).toMatchObject({
      'idempotent-replayed': 'true',
      'original-request': first.lastResponse.requestId,
    });
    expect(first.lastResponse.headers).not.toHaveProperty('idempotent-replayed');
  });

  it('repeat a decline too: the card is not asked twice', async () => {
    const params = { amount: 700, currency: 'usd', payment_method: 'pm_card_chargeDeclined', confirm: true };
    const first = await refusal(stripe.paymentIntents.create(params, { idempotencyKey: 'declined' }));
    const again = await refusal(stripe.paymentIntents.create(params, { idempotencyKey: 'declined' }));
    expect(again.payment_intent?.id).toBe(first.payment_intent?.id);
  });

  it('refuse other parameters and other endpoints', async () => {
    await stripe.customers.create({ name: 'A' }, { idempotencyKey: 'mine' });
    const other = await refusal(stripe.customers.create({ name: 'B' }, { idempotencyKey: 'mine' }));
    expect(other).toBeInstanceOf(Stripe.errors.StripeIdempotencyError);
    expect(other.statusCode).toBe(400);
    const elsewhere = await refusal(stripe.products.create({ name: 'A' }, { idempotencyKey: 'mine' }));
    expect(elsewhere).toBeInstanceOf(Stripe.errors.StripeIdempotencyError);
  });

  it('are not used up by a request with a wrong parameter', async () => {
    await refusal(stripe.customers.create({ emial: 'x' } as Stripe.CustomerCreateParams, { idempotencyKey: 'typo' }));
    expect((await stripe.customers.create({ email: 'x@example.com' }, { idempotencyKey: 'typo' })).email).toBe(
      'x@example.com',
    );
  });

  it('are in use while the first request is at work; a retrying client then gets the one answer', async () => {
    await setLatency(300);
    const slow = stripe.customers.create({ name: 'Slow' }, { idempotencyKey: 'slow' });
    await new Promise((resolve) => setTimeout(resolve, 100));
    const busy = await refusal(stripe.customers.create({ name: 'Slow' }, { idempotencyKey: 'slow' }));
    expect(busy).toMatchObject({ statusCode: 409, code: 'idempotency_key_in_use' });
    const patient = await client(simulator.secretKey, 3).customers.create({ name: 'Slow' }, { idempotencyKey: 'slow' });
    expect(patient.id).toBe((await slow).id);
    await setLatency(0);
  });
});

async function setLatency(latencyMs: number): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  await fetch(`${simulator.url}/_simulator/api`, { method: 'POST', headers, body: JSON.stringify({ latencyMs }) });
}

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
    const later = await confirm(idOf(first.payment_method) ?? '', { customer, off_session: true });
    expect(later.status).toBe('succeeded');
    await stripe.paymentMethods.detach(idOf(first.payment_method) ?? '');
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
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify({ settlementCurrencies: ['usd', 'eur'] });
    await fetch(`${simulator.url}/_simulator/account`, { method: 'POST', headers, body });
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
