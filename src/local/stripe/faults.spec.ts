import Stripe from 'stripe';
import { type Bench, refusalOf, startBench } from './simulator.fixture';

let bench: Bench;

beforeAll(async () => {
  bench = await startBench();
});
afterEach(() => bench.press('faults/clear'));
afterAll(() => bench.stop());

function client(maxNetworkRetries: number): Stripe {
  const { host, port, secretKey } = bench.simulator;
  return new Stripe(secretKey, { host, port, protocol: 'http', telemetry: false, maxNetworkRetries });
}
const named = async (name: string) => {
  const found: string[] = [];
  for await (const customer of bench.stripe.customers.list({ limit: 100 })) {
    if (customer.name === name) found.push(customer.id);
  }
  return found;
};
const create = (name: string, retries: number) => client(retries).customers.create({ name }, { idempotencyKey: name });

describe('a request that goes wrong', () => {
  it('by too many of them is refused as such, and nothing was done', async () => {
    await bench.press('faults', { kind: '429', path: '/v1/customers' });
    const error = await refusalOf(create('busy', 0));
    expect(error).toBeInstanceOf(Stripe.errors.StripeRateLimitError);
    expect(error.statusCode).toBe(429);
    expect(await named('busy')).toEqual([]);
    expect((await create('busy', 0)).name).toBe('busy');
  });

  it('at Stripe is repeated by the package, unless Stripe says not to', async () => {
    await bench.press('faults', { kind: '500', times: 2 });
    expect((await create('again', 2)).name).toBe('again');
    await bench.press('faults', { kind: '500_no_retry' });
    const error = await refusalOf(create('not again', 2));
    expect(error).toBeInstanceOf(Stripe.errors.StripeAPIError);
    expect(await named('not again')).toEqual([]);
    await bench.press('faults', { kind: '500_retry' });
    expect((await create('please', 1)).name).toBe('please');
  });

  it('on the way there was not done; on the way back it was, once', async () => {
    await bench.press('faults', { kind: 'reset_before', method: 'POST', times: 2 });
    expect(await refusalOf(create('lost', 0))).toBeInstanceOf(Stripe.errors.StripeConnectionError);
    expect(await named('lost')).toEqual([]);
    await bench.press('faults/clear');
    // Even with no retries the package repeats a closed connection once.
    await bench.press('faults', { kind: 'reset_after', method: 'POST', times: 2 });
    expect(await refusalOf(create('done', 0))).toBeInstanceOf(Stripe.errors.StripeConnectionError);
    const [id, ...others] = await named('done');
    expect(others).toEqual([]);
    const answer = await create('done', 0);
    expect(answer.id).toBe(id);
    expect(answer.lastResponse.headers).toMatchObject({ 'idempotent-replayed': 'true' });
  });

  it('after it was done may also answer 500', async () => {
    await bench.press('faults', { kind: '500_after', path: '/v1/customers', method: 'POST' });
    expect(await refusalOf(create('silent', 0))).toMatchObject({ statusCode: 500 });
    expect(await named('silent')).toHaveLength(1);
  });

  it('happens to the requests that it is meant for', async () => {
    await bench.press('faults', { kind: '500', method: 'POST', path: '/v1/products', skip: 1 });
    await bench.stripe.customers.create();
    await bench.stripe.products.list();
    await bench.stripe.products.create({ name: 'goes well' });
    expect(await refusalOf(bench.stripe.products.create({ name: 'does not' }))).toMatchObject({ statusCode: 500 });
    await bench.stripe.products.create({ name: 'goes well' });
    await expect(bench.press('faults', { kind: 'explosion' })).rejects.toThrow('kind is one of');
    await expect(bench.press('faults', { kind: '500', tims: 2 })).rejects.toThrow('unknown parameter');
  });

  it('may only be slow', async () => {
    await bench.press('faults', { kind: 'latency', latencyMs: 200 });
    const impatient = bench.stripe.customers.create({ name: 'slow' }, { timeout: 50, maxNetworkRetries: 0 });
    expect(await refusalOf(impatient)).toBeInstanceOf(Stripe.errors.StripeConnectionError);
  });
});
