import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Stripe from 'stripe';
import { idOf } from './ids';
import { type StripeSimulator, type StripeSimulatorOptions, startStripeSimulator } from './stripe-simulator';
import { type WebhookReceiver, startWebhookReceiver } from './webhook-receiver';

const SECRET = 'whsec_test_of_the_simulator';
let simulator: StripeSimulator;
let stripe: Stripe;
let receiver: WebhookReceiver;
let folder: string;

async function begin(options: StripeSimulatorOptions = {}): Promise<void> {
  simulator = await startStripeSimulator({ webhook: { url: receiver.url, secret: SECRET }, ...options });
  const { host, port, secretKey } = simulator;
  stripe = new Stripe(secretKey, { host, port, protocol: 'http', telemetry: false, maxNetworkRetries: 0 });
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stripe-simulator-'));
  receiver = await startWebhookReceiver(() => SECRET);
  await begin();
});
afterEach(async () => {
  await simulator.stop();
  await receiver.stop();
  await rm(folder, { recursive: true });
});

/** A session as a top-up makes it: 25 dollars of credit, the card kept for later. */
async function topUp(more: Stripe.Checkout.SessionCreateParams = {}): Promise<Stripe.Checkout.Session> {
  const customer = await stripe.customers.create({ email: 'ada@example.com' });
  return stripe.checkout.sessions.create({
    mode: 'payment',
    customer: customer.id,
    client_reference_id: 'topup_1',
    line_items: [
      { quantity: 1, price_data: { currency: 'usd', unit_amount: 2500, product_data: { name: 'API credit' } } },
    ],
    payment_intent_data: { metadata: { topup: '1' }, description: 'API credit', setup_future_usage: 'off_session' },
    metadata: { topup: '1' },
    success_url: 'http://127.0.0.1:1/done?session_id={CHECKOUT_SESSION_ID}',
    cancel_url: 'http://127.0.0.1:1/cancel',
    ...more,
  });
}

async function simulate<T = { outcome: string; code?: string; session: Stripe.Checkout.Session }>(
  path: string,
  body: object = {},
): Promise<T> {
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(`${simulator.url}/_simulator/${path}`, {
    method: 'POST',
    headers,
    body: JSON.stringify(body),
  });
  return (await answer.json()) as T;
}

const ref = (reference: Parameters<typeof idOf>[0]): string => idOf(reference) ?? '';
const types = (): string[] => receiver.events.map(({ type }) => type);
const came = (type: string) => () => types().includes(type);
const PAID = ['payment_intent.created', 'charge.succeeded', 'payment_intent.succeeded', 'charge.updated'];

describe('a top-up by Checkout', () => {
  it('is paid by card, and told in order by signed webhooks', async () => {
    const session = await topUp();
    expect(session).toMatchObject({
      status: 'open',
      payment_status: 'unpaid',
      amount_subtotal: 2500,
      amount_total: 2500,
      payment_intent: null,
    });
    expect(session.total_details).toMatchObject({ amount_tax: 0 });
    const paid = await simulate(`checkout/${session.id}/pay`);
    expect(paid).toMatchObject({
      outcome: 'complete',
      session: { status: 'complete', payment_status: 'paid', url: null },
    });
    await receiver.until(came('checkout.session.completed'));
    expect(receiver.forged).toEqual([]);
    const made = ['customer.created', 'product.created', 'price.created'];
    expect(types()).toEqual([...made, ...PAID, 'payment_method.attached', 'checkout.session.completed']);
    const completed = receiver.events.find((event) => event.type === 'checkout.session.completed');
    expect(completed).toMatchObject({ api_version: Stripe.API_VERSION, request: { id: null, idempotency_key: null } });
    expect(completed?.data.object).toMatchObject({
      id: session.id,
      client_reference_id: 'topup_1',
      metadata: { topup: '1' },
    });
    expect(receiver.events[0]?.request?.idempotency_key).toMatch(/^stripe-node-retry-/);
    const charged = receiver.events.find((event) => event.type === 'charge.succeeded');
    expect(charged?.data.object).toMatchObject({ balance_transaction: null, metadata: { topup: '1' } });
    const whole = await stripe.checkout.sessions.retrieve(session.id, {
      expand: ['payment_intent.latest_charge.balance_transaction', 'line_items'],
    });
    expect(whole.payment_intent).toMatchObject({
      amount_received: 2500,
      latest_charge: { balance_transaction: { fee: 103, net: 2397 } },
    });
    expect(whole.line_items?.data).toMatchObject([{ description: 'API credit', amount_total: 2500, quantity: 1 }]);
    const items = await stripe.checkout.sessions.listLineItems(session.id);
    expect(items.data[0]?.price?.unit_amount_decimal?.toString()).toBe('2500');
  });

  it('stays open after a decline, reuses its intent, and can be paid with another card', async () => {
    const session = await topUp();
    const declined = await simulate(`checkout/${session.id}/pay`, { card: '4000 0000 0000 9995' });
    expect(declined).toMatchObject({ outcome: 'declined', code: 'card_declined', session: { status: 'open' } });
    const paid = await simulate(`checkout/${session.id}/pay`, { card: '4242424242424242' });
    expect(paid.session.payment_intent).toBe(declined.session.payment_intent);
    await receiver.until(came('checkout.session.completed'));
    expect(types()).toEqual(expect.arrayContaining(['charge.failed', 'payment_intent.payment_failed']));
    expect(types().filter((type) => type === 'payment_intent.created')).toHaveLength(1);
    const charges = await stripe.charges.list({ payment_intent: ref(paid.session.payment_intent) });
    expect(charges.data.map(({ status }) => status)).toEqual(['succeeded', 'failed']);
    expect(await simulate<object>(`checkout/${session.id}/pay`)).toHaveProperty('error');
  });

  it.each(['4000002500003155', '4000002760003184', '4000000000003184'])('asks the bank for %s', async (card) => {
    const session = await topUp();
    expect(await simulate(`checkout/${session.id}/pay`, { card })).toMatchObject({
      outcome: 'requires_action',
      session: { status: 'open' },
    });
    const failed = await simulate(`checkout/${session.id}/authenticate`, { outcome: 'failed' });
    expect(failed).toMatchObject({ outcome: 'declined', code: 'payment_intent_authentication_failure' });
    await simulate(`checkout/${session.id}/pay`, { card });
    expect(await simulate(`checkout/${session.id}/authenticate`, { outcome: 'succeeded' })).toMatchObject({
      outcome: 'complete',
    });
    const intent = await stripe.paymentIntents.retrieve(
      ref((await stripe.checkout.sessions.retrieve(session.id)).payment_intent),
      { expand: ['latest_charge'] },
    );
    expect(intent.latest_charge).toMatchObject({
      payment_method_details: { card: { three_d_secure: { result: 'authenticated' } } },
    });
  });

  it('takes a price that was made before, and refuses mixed currencies', async () => {
    const product = await stripe.products.create({ name: 'Credit' });
    const usd = await stripe.prices.create({ product: product.id, currency: 'usd', unit_amount: 1000 });
    const eur = await stripe.prices.create({ product: product.id, currency: 'eur', unit_amount: 1000 });
    const session = await topUp({ line_items: [{ price: usd.id, quantity: 3 }] });
    expect(session.amount_total).toBe(3000);
    await expect(
      topUp({
        line_items: [
          { price: usd.id, quantity: 1 },
          { price: eur.id, quantity: 1 },
        ],
      }),
    ).rejects.toThrow('same currency');
  });

  it.each(['succeeded', 'failed'] as const)('can be paid later: %s', async (outcome) => {
    const session = await topUp();
    const unpaid = await simulate(`checkout/${session.id}/pay_later`);
    expect(unpaid).toMatchObject({ outcome: 'complete', session: { status: 'complete', payment_status: 'unpaid' } });
    await receiver.until(came('checkout.session.completed'));
    expect(receiver.events.at(-1)?.data.object).toMatchObject({ payment_status: 'unpaid' });
    const intent = ref(unpaid.session.payment_intent);
    expect((await stripe.paymentIntents.retrieve(intent)).status).toBe('processing');
    await simulate(`checkout/${session.id}/settle_async`, { outcome });
    await receiver.until(came(`checkout.session.async_payment_${outcome}`));
    expect((await stripe.checkout.sessions.retrieve(session.id)).payment_status).toBe(
      outcome === 'succeeded' ? 'paid' : 'unpaid',
    );
    const settled = await stripe.paymentIntents.retrieve(intent, { expand: ['latest_charge.balance_transaction'] });
    expect(settled.status).toBe(outcome === 'succeeded' ? 'succeeded' : 'requires_payment_method');
    const booked = outcome === 'succeeded' ? { type: 'payment' } : null;
    expect(settled.latest_charge).toMatchObject({ balance_transaction: booked });
  });

  it('expires: when asked, and the page says so', async () => {
    const session = await topUp();
    await simulate(`checkout/${session.id}/pay`, { card: '4000000000000002' });
    const expired = await stripe.checkout.sessions.expire(session.id);
    expect(expired).toMatchObject({ status: 'expired', url: null });
    await receiver.until(came('checkout.session.expired'));
    expect(types()).toContain('payment_intent.canceled');
    const page = await fetch(session.url ?? '');
    expect(page.status).toBe(410);
    expect(await page.text()).toContain('has expired');
    await expect(stripe.checkout.sessions.expire(session.id)).rejects.toThrow('can be expired');
  });

  it('expires by itself when its time has come', async () => {
    const soon = Math.floor(Date.now() / 1000) + 30 * 60;
    const session = await topUp({ expires_at: soon });
    await expect(topUp({ expires_at: soon - 20 * 60 })).rejects.toThrow('between 30 minutes and 24 hours');
    const clock = jest.spyOn(Date, 'now').mockReturnValue((soon + 1) * 1000);
    expect((await stripe.checkout.sessions.retrieve(session.id)).status).toBe('expired');
    clock.mockRestore();
    await receiver.until(came('checkout.session.expired'));
  });
});

describe('webhooks', () => {
  it('come again after a 500, with the same event', async () => {
    receiver.answers.push(500, 503);
    const customer = await stripe.customers.create();
    await receiver.until((events) => events.length === 3);
    expect(new Set(receiver.events.map(({ id }) => id)).size).toBe(1);
    expect(receiver.events.every(({ data }) => (data.object as Stripe.Customer).id === customer.id)).toBe(true);
    const { tried } = await simulate<{ tried: number }>('webhooks/flush');
    expect(tried).toBe(0);
    expect((await stripe.events.list()).data[0]?.pending_webhooks).toBe(0);
    const log = (await (await fetch(`${simulator.url}/_simulator/deliveries`)).json()) as { data: object[] };
    expect(log.data).toMatchObject([{ state: 'delivered', attempts: 3, last_status: 200 }]);
  });

  it('can come twice and in another order', async () => {
    await simulate('webhooks', { duplicate: 1, shuffle: true });
    const session = await topUp();
    await simulate(`checkout/${session.id}/pay`);
    await receiver.until((events) => events.length === 18);
    const happened = (await stripe.events.list({ limit: 100 })).data.map(({ id }) => id).toReversed();
    const first = [...new Set(receiver.events.map(({ id }) => id))];
    expect(first.toSorted()).toEqual(happened.toSorted());
    expect(first).not.toEqual(happened);
    expect(types().indexOf('checkout.session.completed')).toBeLessThan(types().indexOf('payment_intent.created'));
  });

  it('can be held back, sent all at once, and sent again', async () => {
    await simulate('webhooks', { paused: true });
    await stripe.customers.create();
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(receiver.events).toEqual([]);
    expect((await stripe.events.list()).data[0]?.pending_webhooks).toBe(1);
    expect(await simulate('webhooks/flush')).toEqual({ tried: 1, delivered: 1 });
    await simulate('webhooks', { paused: false });
    await simulate(`events/${receiver.events[0]?.id}/resend`);
    await receiver.until((events) => events.length === 2);
    expect(receiver.events[1]?.id).toBe(receiver.events[0]?.id);
  });

  it('go to the endpoints made through the API, for the types they ask for', async () => {
    let secret = '';
    const other = await startWebhookReceiver(() => secret);
    const endpoint = await stripe.webhookEndpoints.create({ url: other.url, enabled_events: ['product.created'] });
    secret = endpoint.secret ?? '';
    expect((await stripe.webhookEndpoints.retrieve(endpoint.id)).secret).toBeUndefined();
    await stripe.customers.create();
    await stripe.products.create({ name: 'Seen' });
    await other.until((events) => events.length === 1);
    expect(other.events[0]?.type).toBe('product.created');
    await stripe.webhookEndpoints.update(endpoint.id, { disabled: true });
    await stripe.products.create({ name: 'Unseen' });
    await stripe.webhookEndpoints.del(endpoint.id);
    await receiver.until((events) => events.length === 3);
    expect(other.events).toHaveLength(1);
    await other.stop();
  });
});

describe('webhooks that get lost, and secrets that are rolled', () => {
  it('are never sent, and found in the list of events', async () => {
    await simulate('webhooks', { drop: ['customer.created'] });
    const { id } = await stripe.customers.create();
    await stripe.customers.update(id, { name: 'Ada' });
    await receiver.until(came('customer.updated'));
    await simulate('webhooks/flush');
    expect(types()).toEqual(['customer.updated']);
    const [lost] = (await stripe.events.list({ type: 'customer.created', delivery_success: false })).data;
    await simulate(`events/${lost?.id}/resend`);
    await receiver.until(came('customer.created'));
  });

  it('are signed with both secrets until the former one expires', async () => {
    const { secret } = await simulate<{ secret: string }>('webhook_endpoints/we_simulator_default/roll_secret', {
      expiresInSeconds: 3600,
    });
    expect(simulator.webhookSecret).toBe(secret);
    // The receiver still knows only the former one.
    await stripe.customers.create();
    await receiver.until(came('customer.created'));
    expect(receiver.forged).toEqual([]);
    await simulate('clock', { advanceSeconds: 3601 });
    await stripe.products.create({ name: 'Unreadable' });
    await receiver.until(() => receiver.forged.length > 0);
  });
});

describe('the state file', () => {
  it('brings everything back after a restart: objects, keys, what was not delivered', async () => {
    await simulator.stop();
    const stateFile = join(folder, 'deep', 'state.json');
    await begin({ stateFile, secretKey: 'sk_test_kept' });
    await simulate('webhooks', { paused: true });
    const session = await topUp();
    const customer = await stripe.customers.create({ name: 'Kept' }, { idempotencyKey: 'kept' });
    await simulator.stop();
    expect(receiver.events).toEqual([]);
    await begin({ stateFile, secretKey: 'sk_test_kept' });
    expect((await stripe.customers.retrieve(customer.id)) as Stripe.Customer).toMatchObject({ name: 'Kept' });
    expect((await stripe.customers.create({ name: 'Kept' }, { idempotencyKey: 'kept' })).id).toBe(customer.id);
    const again = await stripe.checkout.sessions.retrieve(session.id);
    expect(again.url).toBe(`${simulator.url}/c/pay/${session.id}`);
    await simulate(`checkout/${session.id}/pay`);
    await receiver.until(came('checkout.session.completed'));
    expect(types().filter((type) => type === 'customer.created')).toHaveLength(2);
    expect(receiver.forged).toEqual([]);
  });

  it('keeps the webhook secret when none is given, and takes the url later', async () => {
    await simulator.stop();
    const stateFile = join(folder, 'state.json');
    const first = await startStripeSimulator({ stateFile });
    first.setWebhook(receiver.url);
    await first.stop();
    const second = await startStripeSimulator({ stateFile });
    expect(second.webhookSecret).toBe(first.webhookSecret);
    simulator = second;
  });
});
