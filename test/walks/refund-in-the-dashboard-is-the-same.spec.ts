import { eventBody } from '../support/card-world';
import {
  concludePayback,
  type PaidTopUp,
  type PaybackWorld,
  startPaybackWorld,
  storyOf,
} from '../support/payback-world';

describe('a refund in Stripe’s dashboard', () => {
  let world: PaybackWorld;

  beforeAll(async () => {
    world = await startPaybackWorld();
  });
  afterAll(() => world?.stop());
  afterEach(() => concludePayback(world));

  const inDashboard = async ({ charge }: PaidTopUp, body: object) => {
    await world.press(`charges/${charge}/refund`, body);
    await world.settled();
  };

  it('does to the books what one of ours does', async () => {
    const [ours, theirs] = [await world.paid(5000), await world.paid(5000)];
    for (const { customer } of [ours, theirs]) await world.spend(customer, 1000);
    await world.refund(ours.topUp, { amountCents: 2500 });
    await inDashboard(theirs, { amount: 2500, reason: 'requested_by_customer' });
    expect(await storyOf(world, theirs)).toEqual(await storyOf(world, ours));
    expect(await world.refunds(theirs.key)).toMatchObject([{ origin: 'dashboard', reason: 'requested_by_customer' }]);
  });

  it('of credit that is used up makes it a debt, as one of ours that is forced does', async () => {
    const [ours, theirs] = [await world.paid(5000), await world.paid(5000)];
    for (const { customer } of [ours, theirs]) await world.spend(customer, 4000);
    await world.refund(ours.topUp, { force: true });
    await inDashboard(theirs, {});
    expect(await storyOf(world, theirs)).toEqual(await storyOf(world, ours));
    expect(await world.balance(theirs.key)).toMatchObject({ available: '0', owed: '40', frozen: true });
  });

  it('is told of before its payment: both are on the books', async () => {
    const { key } = await world.customer();
    const { session } = await world.topUp(key, 1000);
    await world.press('webhooks', { paused: true });
    await world.press(`checkout/${session}/pay`);
    const { payment_intent: intent } = await world.stripe.checkout.sessions.retrieve(session);
    const { latest_charge: charge } = await world.stripe.paymentIntents.retrieve(intent as string);
    await world.press(`charges/${charge as string}/refund`, { amount: 400 });
    expect((await world.deliver(await eventBody(world, 'refund.created'))).body.effect).toBe('refund_changed');
    expect(await world.balance(key)).toMatchObject({ available: '6' });
    await world.press('webhooks', { paused: false });
    await world.settled();
    expect(await world.balance(key)).toMatchObject({ available: '6', owed: '0' });
  });

  it('of a payment in suspense comes out of suspense', async () => {
    const made = await world.stripe.checkout.sessions.create({
      mode: 'payment',
      line_items: [{ quantity: 1, price_data: { currency: 'usd', unit_amount: 900, product_data: { name: 'Else' } } }],
      success_url: 'https://elsewhere.example/',
    });
    await world.press(`checkout/${made.id}/pay`);
    await world.settled();
    expect(await world.house('suspense')).toBe('9');
    const { payment_intent: intent } = await world.stripe.checkout.sessions.retrieve(made.id);
    await world.stripe.refunds.create({ payment_intent: intent as string });
    await world.settled();
    expect(await world.house('suspense')).toBe('0');
  });
});
