import { GrantsWorld } from '../support/grants-world';
import { concludePayback, type PaybackWorld, startPaybackWorld } from '../support/payback-world';

/** TC-48: money went back and the credit stayed. */
describe('a refund by the operator', () => {
  let world: PaybackWorld;

  beforeAll(async () => {
    world = await startPaybackWorld();
  });
  afterAll(() => world?.stop());
  afterEach(() => concludePayback(world));

  it('takes the credit that the payment brought, and Stripe pays it out', async () => {
    const { key, topUp, intent } = await world.paid(10_000);
    const { status, body } = await world.refund(topUp, { reason: 'moved on' });
    expect({ status, body }).toMatchObject({
      status: 201,
      body: { state: 'opened', amount: '100', origin: 'operator' },
    });
    expect(await world.refunds(key)).toMatchObject([
      { id: body.id, topUpId: topUp, state: 'succeeded', amount: '100', credit: '100', owed: '0', reason: 'moved on' },
    ]);
    expect(await world.balance(key)).toMatchObject({ available: '0', owed: '0' });
    expect((await world.ask(key, `/v1/topups/${topUp}`)).body.state).toBe('refunded');
    expect((await world.stripe.refunds.list({ payment_intent: intent })).data).toMatchObject([
      { amount: 10_000, status: 'succeeded', metadata: { refund_id: body.id } },
    ]);
    expect(await world.refund(topUp)).toMatchObject({ status: 409, body: { code: 'nothing_to_refund' } });
  });

  it('is of unused credit only, of that very payment, and says how much there is', async () => {
    const first = await world.paid(10_000);
    const second = await world.paidAgain(first, 5000);
    await world.spend(first.customer, 4000);
    expect(await world.refund(first.topUp, { amountCents: 6001 })).toMatchObject({
      status: 409,
      body: { code: 'refund_exceeds_unused', refundableCents: '6000' },
    });
    expect((await world.refund(first.topUp)).body).toMatchObject({ amount: '60' });
    expect(await world.left(second.topUp)).toBe('50');
    expect(await world.balance(first.key)).toMatchObject({ available: '50', owed: '0' });
    expect((await world.ask(first.key, `/v1/topups/${first.topUp}`)).body.state).toBe('paid');
  });

  it('leaves alone what a call in flight may need', async () => {
    const { customer, key, topUp } = await world.paid(1000);
    const grants = new GrantsWorld(world.app);
    const hold = await grants.hold(customer.id, 3_000_000_000n);
    if (!hold) throw new Error('no hold');
    expect((await world.refund(topUp)).body).toMatchObject({ amount: '7' });
    await grants.capture(hold);
    expect(await world.balance(key)).toMatchObject({ available: '0', owed: '0' });
  });

  it('that is forced takes used credit, too: other credit first, then the customer owes it until it is paid', async () => {
    const { customer, key, topUp } = await world.paid(1000);
    await world.spend(customer, 900);
    const other = await world.paidAgain({ customer, key }, 500);
    expect((await world.refund(topUp, { force: true, amountCents: 1001 })).body).toMatchObject({
      code: 'refund_exceeds_payment',
      refundableCents: '1000',
    });
    expect((await world.refund(topUp, { force: true })).body).toMatchObject({ amount: '10', owed: '4' });
    expect(await world.balance(key)).toMatchObject({ available: '0', owed: '4', frozen: true });
    await world.paidAgain({ customer, key }, 1000);
    expect(await world.balance(key)).toMatchObject({ available: '6', owed: '0', frozen: false });
    expect(await world.left(other.topUp)).toBe('0');
  });

  it('is nobody else’s business, and is refused for what is not there', async () => {
    const { key, topUp } = await world.paid(1000);
    const unpaid = await world.topUp(key, 1000);
    expect((await world.ask(key, `/admin/topups/${topUp}/refunds`, {})).status).toBe(403);
    expect((await world.refund(unpaid.id)).body.code).toBe('nothing_to_refund');
    expect((await world.refund('top_none')).body.code).toBe('top_up_not_found');
    expect((await world.refund(topUp, { amountCents: 0 })).status).toBe(400);
    expect(await world.refunds((await world.customer()).key)).toEqual([]);
  });
});
