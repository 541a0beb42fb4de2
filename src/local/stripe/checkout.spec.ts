import Stripe from 'stripe';
import { ref } from './simulator.fixture';
import { type Till, startTill } from './till.fixture';

let till: Till;

beforeEach(async () => {
  till = await startTill();
});
afterEach(() => till.stop());

const PAID = ['payment_intent.created', 'charge.succeeded', 'payment_intent.succeeded', 'charge.updated'];

describe('a top-up by Checkout', () => {
  it('is paid by card, and told in order by signed webhooks', async () => {
    const session = await till.topUp();
    expect(session).toMatchObject({
      status: 'open',
      payment_status: 'unpaid',
      amount_subtotal: 2500,
      amount_total: 2500,
      payment_intent: null,
    });
    expect(session.total_details).toMatchObject({ amount_tax: 0 });
    const paid = await till.press(`checkout/${session.id}/pay`);
    expect(paid).toMatchObject({
      outcome: 'complete',
      session: { status: 'complete', payment_status: 'paid', url: null },
    });
    await till.receiver.until(till.came('checkout.session.completed'));
    expect(till.receiver.forged).toEqual([]);
    const made = ['customer.created', 'product.created', 'price.created'];
    expect(till.types()).toEqual([...made, ...PAID, 'payment_method.attached', 'checkout.session.completed']);
    const completed = till.receiver.events.find((event) => event.type === 'checkout.session.completed');
    expect(completed).toMatchObject({ api_version: Stripe.API_VERSION, request: { id: null, idempotency_key: null } });
    expect(completed?.data.object).toMatchObject({
      id: session.id,
      client_reference_id: 'topup_1',
      metadata: { topup: '1' },
    });
    expect(till.receiver.events[0]?.request?.idempotency_key).toMatch(/^stripe-node-retry-/);
    const charged = till.receiver.events.find((event) => event.type === 'charge.succeeded');
    expect(charged?.data.object).toMatchObject({ balance_transaction: null, metadata: { topup: '1' } });
    const whole = await till.stripe.checkout.sessions.retrieve(session.id, {
      expand: ['payment_intent.latest_charge.balance_transaction', 'line_items'],
    });
    expect(whole.payment_intent).toMatchObject({
      amount_received: 2500,
      latest_charge: { balance_transaction: { fee: 103, net: 2397 } },
    });
    expect(whole.line_items?.data).toMatchObject([{ description: 'API credit', amount_total: 2500, quantity: 1 }]);
    const items = await till.stripe.checkout.sessions.listLineItems(session.id);
    expect(items.data[0]?.price?.unit_amount_decimal?.toString()).toBe('2500');
  });

  it('stays open after a decline, reuses its intent, and can be paid with another card', async () => {
    const session = await till.topUp();
    const declined = await till.press(`checkout/${session.id}/pay`, { card: '4000 0000 0000 9995' });
    expect(declined).toMatchObject({ outcome: 'declined', code: 'card_declined', session: { status: 'open' } });
    const paid = await till.press(`checkout/${session.id}/pay`, { card: '4242424242424242' });
    expect(paid.session.payment_intent).toBe(declined.session.payment_intent);
    await till.receiver.until(till.came('checkout.session.completed'));
    expect(till.types()).toEqual(expect.arrayContaining(['charge.failed', 'payment_intent.payment_failed']));
    expect(till.types().filter((type) => type === 'payment_intent.created')).toHaveLength(1);
    const charges = await till.stripe.charges.list({ payment_intent: ref(paid.session.payment_intent) });
    expect(charges.data.map(({ status }) => status)).toEqual(['succeeded', 'failed']);
    await expect(till.press(`checkout/${session.id}/pay`)).rejects.toThrow('not open any more');
  });

  it.each(['4000002500003155', '4000002760003184', '4000000000003184'])('asks the bank for %s', async (card) => {
    const session = await till.topUp();
    expect(await till.press(`checkout/${session.id}/pay`, { card })).toMatchObject({
      outcome: 'requires_action',
      session: { status: 'open' },
    });
    const failed = await till.press(`checkout/${session.id}/authenticate`, { outcome: 'failed' });
    expect(failed).toMatchObject({ outcome: 'declined', code: 'payment_intent_authentication_failure' });
    await till.press(`checkout/${session.id}/pay`, { card });
    expect(await till.press(`checkout/${session.id}/authenticate`, { outcome: 'succeeded' })).toMatchObject({
      outcome: 'complete',
    });
    const intent = await till.stripe.paymentIntents.retrieve(
      ref((await till.stripe.checkout.sessions.retrieve(session.id)).payment_intent),
      { expand: ['latest_charge'] },
    );
    expect(intent.latest_charge).toMatchObject({
      payment_method_details: { card: { three_d_secure: { result: 'authenticated' } } },
    });
  });

  it('takes a price that was made before, and refuses mixed currencies', async () => {
    const product = await till.stripe.products.create({ name: 'Credit' });
    const usd = await till.stripe.prices.create({ product: product.id, currency: 'usd', unit_amount: 1000 });
    const eur = await till.stripe.prices.create({ product: product.id, currency: 'eur', unit_amount: 1000 });
    const session = await till.topUp({ line_items: [{ price: usd.id, quantity: 3 }] });
    expect(session.amount_total).toBe(3000);
    await expect(
      till.topUp({
        line_items: [
          { price: usd.id, quantity: 1 },
          { price: eur.id, quantity: 1 },
        ],
      }),
    ).rejects.toThrow('same currency');
  });

  it.each(['succeeded', 'failed'] as const)('can be paid later: %s', async (outcome) => {
    const session = await till.topUp();
    const unpaid = await till.press(`checkout/${session.id}/pay_later`);
    expect(unpaid).toMatchObject({ outcome: 'complete', session: { status: 'complete', payment_status: 'unpaid' } });
    await till.receiver.until(till.came('checkout.session.completed'));
    expect(till.receiver.events.at(-1)?.data.object).toMatchObject({ payment_status: 'unpaid' });
    const intent = ref(unpaid.session.payment_intent);
    expect((await till.stripe.paymentIntents.retrieve(intent)).status).toBe('processing');
    await till.press(`checkout/${session.id}/settle_async`, { outcome });
    await till.receiver.until(till.came(`checkout.session.async_payment_${outcome}`));
    expect((await till.stripe.checkout.sessions.retrieve(session.id)).payment_status).toBe(
      outcome === 'succeeded' ? 'paid' : 'unpaid',
    );
    const settled = await till.stripe.paymentIntents.retrieve(intent, {
      expand: ['latest_charge.balance_transaction'],
    });
    expect(settled.status).toBe(outcome === 'succeeded' ? 'succeeded' : 'requires_payment_method');
    const booked = outcome === 'succeeded' ? { type: 'payment' } : null;
    expect(settled.latest_charge).toMatchObject({ balance_transaction: booked });
  });

  it('expires: when asked, and the page says so', async () => {
    const session = await till.topUp();
    await till.press(`checkout/${session.id}/pay`, { card: '4000000000000002' });
    const expired = await till.stripe.checkout.sessions.expire(session.id);
    expect(expired).toMatchObject({ status: 'expired', url: null });
    await till.receiver.until(till.came('checkout.session.expired'));
    expect(till.types()).toContain('payment_intent.canceled');
    const page = await fetch(session.url ?? '');
    expect(page.status).toBe(410);
    expect(await page.text()).toContain('has expired');
    await expect(till.stripe.checkout.sessions.expire(session.id)).rejects.toThrow('can be expired');
  });

  it('expires by itself when its time has come', async () => {
    const soon = Math.floor(Date.now() / 1000) + 30 * 60;
    const session = await till.topUp({ expires_at: soon });
    await expect(till.topUp({ expires_at: soon - 20 * 60 })).rejects.toThrow('between 30 minutes and 24 hours');
    const clock = jest.spyOn(Date, 'now').mockReturnValue((soon + 1) * 1000);
    expect((await till.stripe.checkout.sessions.retrieve(session.id)).status).toBe('expired');
    clock.mockRestore();
    await till.receiver.until(till.came('checkout.session.expired'));
  });
});

it('one thing paid twice: the second session has the same metadata and an intent of its own', async () => {
  const first = await till.topUp({ metadata: { topup: '7' }, client_reference_id: 'c7' });
  await till.press(`checkout/${first.id}/pay`);
  const again = await till.press(`checkout/${first.id}/pay_again`);
  expect(again).toMatchObject({
    outcome: 'complete',
    session: { metadata: { topup: '7' }, client_reference_id: 'c7', payment_status: 'paid' },
  });
  expect(again.session.id).not.toBe(first.id);
  const intents = await till.stripe.paymentIntents.list({ customer: ref(first.customer) });
  expect(intents.data.map(({ status }) => status)).toEqual(['succeeded', 'succeeded']);
});
