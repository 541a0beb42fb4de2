import Stripe from 'stripe';
import { type Bench, refusalOf as refusal, startBench } from './simulator.fixture';

let bench: Bench;
let stripe: Stripe;

beforeAll(async () => {
  bench = await startBench();
  ({ stripe } = bench);
});
afterAll(() => bench.stop());

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
    await bench.press('api', { latencyMs: 1500 });
    // Whichever arrives first is at work when the other one comes.
    const both = [1, 2].map(() => stripe.customers.create({ name: 'Slow' }, { idempotencyKey: 'slow' }));
    const busy = await Promise.any(both.map(refusal));
    expect(busy).toMatchObject({ statusCode: 409, code: 'idempotency_key_in_use' });
    const { host, port, secretKey } = bench.simulator;
    const retrying = new Stripe(secretKey, { host, port, protocol: 'http', telemetry: false, maxNetworkRetries: 3 });
    const patient = await retrying.customers.create({ name: 'Slow' }, { idempotencyKey: 'slow' });
    expect(patient.id).toBe((await Promise.any(both)).id);
    await bench.press('api', { latencyMs: 0 });
  });
});
