import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Stripe from 'stripe';
import { startStripeSimulator } from './stripe-simulator';
import { type Till, startTill } from './till.fixture';
import { startWebhookReceiver } from './webhook-receiver';

let till: Till;
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stripe-simulator-'));
  till = await startTill();
});
afterEach(async () => {
  await till.stop();
  await rm(folder, { recursive: true });
});

describe('webhooks', () => {
  it('come again after a 500, with the same event', async () => {
    till.receiver.answers.push(500, 503);
    const customer = await till.stripe.customers.create();
    await till.receiver.until((events) => events.length === 3);
    expect(new Set(till.receiver.events.map(({ id }) => id)).size).toBe(1);
    expect(till.receiver.events.every(({ data }) => (data.object as Stripe.Customer).id === customer.id)).toBe(true);
    const { tried } = await till.press('webhooks/flush');
    expect(tried).toBe(0);
    expect((await till.stripe.events.list()).data[0]?.pending_webhooks).toBe(0);
    const log = (await (await fetch(`${till.simulator.url}/_simulator/deliveries`)).json()) as { data: object[] };
    expect(log.data).toMatchObject([{ state: 'delivered', attempts: 3, last_status: 200 }]);
  });

  it('can come twice and in another order', async () => {
    await till.press('webhooks', { duplicate: 1, shuffle: true });
    const session = await till.topUp();
    await till.press(`checkout/${session.id}/pay`);
    await till.receiver.until((events) => events.length === 18);
    const happened = (await till.stripe.events.list({ limit: 100 })).data.map(({ id }) => id).toReversed();
    const first = [...new Set(till.receiver.events.map(({ id }) => id))];
    expect(first.toSorted()).toEqual(happened.toSorted());
    expect(first).not.toEqual(happened);
    expect(till.types().indexOf('checkout.session.completed')).toBeLessThan(
      till.types().indexOf('payment_intent.created'),
    );
  });

  it('can be held back, sent all at once, and sent again', async () => {
    await till.press('webhooks', { paused: true });
    await till.stripe.customers.create();
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(till.receiver.events).toEqual([]);
    expect((await till.stripe.events.list()).data[0]?.pending_webhooks).toBe(1);
    expect(await till.press('webhooks/flush')).toEqual({ tried: 1, delivered: 1 });
    await till.press('webhooks', { paused: false });
    await till.press(`events/${till.receiver.events[0]?.id}/resend`);
    await till.receiver.until((events) => events.length === 2);
    expect(till.receiver.events[1]?.id).toBe(till.receiver.events[0]?.id);
  });

  it('go to the endpoints made through the API, for the types they ask for', async () => {
    let secret = '';
    const other = await startWebhookReceiver(() => secret);
    const endpoint = await till.stripe.webhookEndpoints.create({ url: other.url, enabled_events: ['product.created'] });
    secret = endpoint.secret ?? '';
    expect((await till.stripe.webhookEndpoints.retrieve(endpoint.id)).secret).toBeUndefined();
    await till.stripe.customers.create();
    await till.stripe.products.create({ name: 'Seen' });
    await other.until((events) => events.length === 1);
    expect(other.events[0]?.type).toBe('product.created');
    await till.stripe.webhookEndpoints.update(endpoint.id, { disabled: true });
    await till.stripe.products.create({ name: 'Unseen' });
    await till.stripe.webhookEndpoints.del(endpoint.id);
    await till.receiver.until((events) => events.length === 3);
    expect(other.events).toHaveLength(1);
    await other.stop();
  });
});

describe('webhooks that get lost, and secrets that are rolled', () => {
  it('are never sent, and found in the list of events', async () => {
    await till.press('webhooks', { drop: ['customer.created'] });
    const { id } = await till.stripe.customers.create();
    await till.stripe.customers.update(id, { name: 'Ada' });
    await till.receiver.until(till.came('customer.updated'));
    await till.press('webhooks/flush');
    expect(till.types()).toEqual(['customer.updated']);
    const [lost] = (await till.stripe.events.list({ type: 'customer.created', delivery_success: false })).data;
    await till.press(`events/${lost?.id}/resend`);
    await till.receiver.until(till.came('customer.created'));
  });

  it('are signed with both secrets until the former one expires', async () => {
    const { secret } = await till.press('webhook_endpoints/we_simulator_default/roll_secret', {
      expiresInSeconds: 3600,
    });
    expect(till.simulator.webhookSecret).toBe(secret);
    // The receiver still knows only the former one.
    await till.stripe.customers.create();
    await till.receiver.until(till.came('customer.created'));
    expect(till.receiver.forged).toEqual([]);
    await till.press('clock', { advanceSeconds: 3601 });
    await till.stripe.products.create({ name: 'Unreadable' });
    await till.receiver.until(() => till.receiver.forged.length > 0);
  });
});

describe('the state file', () => {
  it('brings everything back after a restart: objects, keys, what was not delivered', async () => {
    await till.simulator.stop();
    const stateFile = join(folder, 'deep', 'state.json');
    till = await till.startAgain({ stateFile, secretKey: 'sk_test_kept' });
    await till.press('webhooks', { paused: true });
    const session = await till.topUp();
    const customer = await till.stripe.customers.create({ name: 'Kept' }, { idempotencyKey: 'kept' });
    await till.simulator.stop();
    expect(till.receiver.events).toEqual([]);
    till = await till.startAgain({ stateFile, secretKey: 'sk_test_kept' });
    expect((await till.stripe.customers.retrieve(customer.id)) as Stripe.Customer).toMatchObject({ name: 'Kept' });
    expect((await till.stripe.customers.create({ name: 'Kept' }, { idempotencyKey: 'kept' })).id).toBe(customer.id);
    const again = await till.stripe.checkout.sessions.retrieve(session.id);
    expect(again.url).toBe(`${till.simulator.url}/c/pay/${session.id}`);
    await till.press(`checkout/${session.id}/pay`);
    await till.receiver.until(till.came('checkout.session.completed'));
    expect(till.types().filter((type) => type === 'customer.created')).toHaveLength(2);
    expect(till.receiver.forged).toEqual([]);
  });

  it('keeps the webhook secret when none is given, and takes the url later', async () => {
    await till.simulator.stop();
    const stateFile = join(folder, 'state.json');
    const first = await startStripeSimulator({ stateFile });
    first.setWebhook(till.receiver.url);
    await first.stop();
    const second = await startStripeSimulator({ stateFile });
    expect(second.webhookSecret).toBe(first.webhookSecret);
    await second.stop();
    till = await till.startAgain({});
  });
});
