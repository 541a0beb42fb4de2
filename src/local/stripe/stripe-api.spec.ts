import Stripe from 'stripe';
import { API_VERSION } from './simulation';
import { type Bench, refusalOf as refusal, startBench } from './simulator.fixture';
import type { StripeSimulator } from './stripe-simulator';

let bench: Bench;
let simulator: StripeSimulator;
let stripe: Stripe;

beforeAll(async () => {
  bench = await startBench();
  ({ simulator, stripe } = bench);
});
afterAll(() => bench.stop());

describe('the API', () => {
  it('speaks the version the package pins', () => {
    expect(API_VERSION).toBe(Stripe.API_VERSION);
  });

  it('refuses another key, in Stripe’s words', async () => {
    const { host, port } = simulator;
    const stranger = new Stripe('sk_test_wrong_key', { host, port, protocol: 'http', telemetry: false });
    const error = await refusal(stranger.customers.list());
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
