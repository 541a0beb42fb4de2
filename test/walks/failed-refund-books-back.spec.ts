import type { Json } from '../support/card-world';
import { concludePayback, type PaybackWorld, startPaybackWorld } from '../support/payback-world';

describe('a refund that fails', () => {
  let world: PaybackWorld;

  beforeAll(async () => {
    world = await startPaybackWorld();
  });
  afterAll(() => world?.stop());
  afterEach(() => concludePayback(world));

  const atStripe = async (intent: string) => (await world.stripe.refunds.list({ payment_intent: intent })).data[0];
  const settle = async (intent: string, body: object) => {
    await world.press(`refunds/${(await atStripe(intent))?.id}/settle`, body);
    await world.settled();
  };

  /** What the customer and the operator are told of refunds, with how many times. */
  const told = async (key: string, refund: string): Promise<Json> => {
    const of = async (token: string) =>
      (await world.ask(token, '/v1/notifications?limit=200')).body.data
        .filter(({ data }: Json) => data.refund === refund)
        .map(({ kind, data }: Json) => `${kind} ${data.amount} ${data.reason}`);
    return { customer: await of(key), operator: await of(world.app.adminToken) };
  };

  it('after it had succeeded gives the credit back, and may be tried again', async () => {
    const { key, topUp, intent } = await world.paid(5000);
    await world.refund(topUp);
    expect(await world.balance(key)).toMatchObject({ available: '0' });
    await settle(intent, { outcome: 'failed', failure_reason: 'lost_or_stolen_card' });
    expect(await world.refunds(key)).toMatchObject([{ state: 'failed', failureReason: 'lost_or_stolen_card' }]);
    const line = 'refund_failed 50 lost_or_stolen_card';
    expect(await told(key, (await world.refunds(key))[0]?.id)).toEqual({ customer: [line], operator: [line] });
    expect(await world.balance(key)).toMatchObject({ available: '50', owed: '0' });
    expect(await world.left(topUp)).toBe('50');
    expect((await world.ask(key, `/v1/topups/${topUp}`)).body.state).toBe('paid');
    expect((await world.refund(topUp)).body).toMatchObject({ amount: '50' });
    expect(await world.balance(key)).toMatchObject({ available: '0' });
  });

  it('that made a debt clears it', async () => {
    const { customer, key, topUp, intent } = await world.paid(5000);
    await world.spend(customer, 3000);
    await world.refund(topUp, { force: true });
    expect(await world.balance(key)).toMatchObject({ available: '0', owed: '30', frozen: true });
    await settle(intent, { outcome: 'failed', failure_reason: 'expired_or_canceled_card' });
    expect(await world.balance(key)).toMatchObject({ available: '20', owed: '0', frozen: false });
  });

  it('is told of out of order, and many times, and ends the same', async () => {
    const { key, topUp, charge, intent } = await world.paid(5000);
    await world.press('webhooks', { paused: true, duplicate: 2, shuffle: true });
    await world.press(`charges/${charge}/refund`, { amount: 2000 });
    await world.press(`refunds/${(await atStripe(intent))?.id}/settle`, { outcome: 'failed' });
    await world.press('webhooks', { paused: false });
    await world.settled();
    await world.press('webhooks', { duplicate: 0, shuffle: false });
    const [refund] = await world.refunds(key);
    expect(refund).toMatchObject({ state: 'failed', origin: 'dashboard', amount: '20' });
    // Who has started it in the dashboard is told there.
    expect(await told(key, refund.id)).toEqual({
      customer: [`refund_failed 20 ${refund.failureReason}`],
      operator: [],
    });
    expect(await world.balance(key)).toMatchObject({ available: '50', owed: '0' });
    expect(await world.left(topUp)).toBe('50');
  });

  it('because Stripe would not begin it gives the credit back at once', async () => {
    const { key, topUp, intent } = await world.paid(5000);
    await world.press('webhooks', { paused: true });
    // Somebody is quicker in the dashboard, and nobody has told us yet.
    await world.stripe.refunds.create({ payment_intent: intent, amount: 4000 });
    await world.ask(world.app.adminToken, `/admin/topups/${topUp}/refunds`, { amountCents: 2000 });
    await world.press('webhooks', { paused: false });
    await world.settled();
    expect((await world.refunds(key)).map(({ state, amount }) => `${amount} ${state}`).toSorted()).toEqual([
      '20 rejected',
      '40 succeeded',
    ]);
    const { id, failureReason }: Json = (await world.refunds(key)).find(({ state }) => state === 'rejected');
    const line = `refund_rejected 20 ${failureReason}`;
    expect(await told(key, id)).toEqual({ customer: [line], operator: [line] });
    expect(await world.balance(key)).toMatchObject({ available: '10', owed: '0' });
  });

  it('after it was pending for days', async () => {
    const { key, topUp, intent, charge } = await world.paid(5000);
    await world.press(`charges/${charge}/refund`, { amount: 2000, status: 'pending' });
    await world.settled();
    expect(await world.refunds(key)).toMatchObject([{ state: 'pending' }]);
    await settle(intent, { outcome: 'canceled' });
    expect(await world.refunds(key)).toMatchObject([{ state: 'failed' }]);
    expect(await world.left(topUp)).toBe('50');
  });

  it('while the payment is disputed waits with the rest, also when nothing was left of that', async () => {
    const { key, intent, charge } = await world.paid(5000);
    await world.press(`charges/${charge}/refund`, { amount: 5000, status: 'pending' });
    await world.settled();
    const { id } = await world.press(`charges/${charge}/dispute`, { amount: 2000 });
    await world.settled();
    expect(await world.balance(key)).toMatchObject({ available: '0', owed: '0' });
    await settle(intent, { outcome: 'failed' });
    expect(await world.balance(key)).toMatchObject({ available: '0', held: '50' });
    await world.press(`disputes/${id}/close`, { outcome: 'won' });
    await world.settled();
    expect(await world.balance(key)).toMatchObject({ available: '50', held: '0' });
  });
});
