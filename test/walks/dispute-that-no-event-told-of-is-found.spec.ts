import { JobsService } from '../../src/jobs/jobs.service';
import { eventBody } from '../support/card-world';
import { concludePayback, type PaybackWorld, startPaybackWorld } from '../support/payback-world';

describe('disputes and refunds whose events are lost', () => {
  let world: PaybackWorld;

  beforeAll(async () => {
    world = await startPaybackWorld();
  });
  afterAll(() => world?.stop());
  afterEach(() => concludePayback(world));

  const swept = async () => {
    await world.app.app.get(JobsService, { strict: false }).runNow('converge-disputes');
    await world.settled();
  };

  it.each([
    ['lost', { available: '0', owed: '20', frozen: true }],
    ['won', { available: '30', owed: '0', frozen: false }],
  ] as const)('a dispute that is %s meanwhile is found by the hourly sweep, once', async (outcome, expected) => {
    const { customer, key, charge } = await world.paid(5000);
    await world.spend(customer, 2000);
    const { id } = await world.press(`charges/${charge}/dispute`);
    await world.settled();
    await world.press('webhooks', { drop: ['*'] });
    await world.press(`disputes/${id}/close`, { outcome });
    expect(await world.balance(key)).toMatchObject({ posted: '30', available: '0', owed: '0' });
    await swept();
    expect(await world.balance(key)).toMatchObject(expected);
    await swept();
    expect(await world.balance(key)).toMatchObject(expected);
    await world.press('webhooks', { drop: [] });
  });

  it('what comes back within a week of a loss is found, too', async () => {
    const { key, charge } = await world.paid(5000);
    const { id } = await world.press(`charges/${charge}/dispute`);
    await world.press(`disputes/${id}/close`, { outcome: 'lost' });
    await world.settled();
    expect(await world.balance(key)).toMatchObject({ posted: '0', owed: '0' });
    await world.press('webhooks', { drop: ['*'] });
    await world.press(`disputes/${id}/reinstate`);
    await swept();
    expect(await world.balance(key)).toMatchObject({ available: '50', owed: '0' });
    await world.press('webhooks', { drop: [] });
  });

  it('a refund that was pending, and a warning that ended meanwhile, are found at their end', async () => {
    const { customer, key, charge } = await world.paid(5000);
    const { id } = await world.press(`charges/${charge}/refund`, { amount: 2000, status: 'pending' });
    await world.settled();
    expect(await world.refunds(key)).toMatchObject([{ state: 'pending' }]);
    const other = await world.paid(4000);
    await world.press(`charges/${other.charge}/early_fraud_warning`);
    await world.settled();
    expect(await world.balance(other.key)).toMatchObject({ posted: '40', available: '0' });
    await world.press('webhooks', { drop: ['*'] });
    await world.press(`refunds/${id}/settle`, { outcome: 'failed' });
    await world.press(`charges/${other.charge}/dispute`);
    await swept();
    expect(await world.refunds(key)).toMatchObject([{ state: 'failed' }]);
    expect(await world.balance(key)).toMatchObject({ customerId: customer.id, available: '50' });
    // The warning's end tells of the dispute that ended it.
    const disputes = await world.ask(world.app.adminToken, `/admin/disputes?customerId=${other.customer.id}`);
    expect(disputes.body.data).toMatchObject([{ phase: 'open' }]);
    await world.press('webhooks', { drop: [] });
    await world.press(`disputes/${disputes.body.data[0].id}/close`, { outcome: 'won' });
    await world.settled();
    expect(await world.balance(other.key)).toMatchObject({ available: '40' });
  });

  it('a warning that ended in a dispute lets nothing go before the dispute is known', async () => {
    const { key, charge } = await world.paid(5000);
    await world.press(`charges/${charge}/early_fraud_warning`);
    await world.settled();
    await world.press('webhooks', { drop: ['charge.dispute.created', 'charge.dispute.funds_withdrawn'] });
    const { id } = await world.press(`charges/${charge}/dispute`);
    await world.settled();
    expect(await world.balance(key)).toMatchObject({ posted: '50', available: '0' });
    const disputes = await world.ask(world.app.adminToken, '/admin/disputes?limit=1');
    expect(disputes.body.data).toMatchObject([{ id, phase: 'open' }]);
    await world.press('webhooks', { drop: [] });
    await world.press(`disputes/${id}/close`, { outcome: 'won' });
    await world.settled();
    expect(await world.balance(key)).toMatchObject({ available: '50' });
  });

  it('a dispute of a payment that no event told of puts that on the books first', async () => {
    const { key } = await world.customer(['billing', 'inference']);
    const { session } = await world.topUp(key, 5000);
    await world.press('webhooks', { drop: ['*'] });
    await world.press(`checkout/${session}/pay`);
    await world.settled();
    expect(await world.balance(key)).toMatchObject({ posted: '0' });
    const { payment_intent: intent } = await world.stripe.checkout.sessions.retrieve(session);
    const { latest_charge: charge } = await world.stripe.paymentIntents.retrieve(intent as string);
    const { id } = await world.press(`charges/${charge as string}/dispute`);
    expect((await world.deliver(await eventBody(world, 'charge.dispute.created'))).status).toBe(200);
    await world.settled();
    expect(await world.balance(key)).toMatchObject({ posted: '50', available: '0' });
    await world.press('webhooks', { drop: [] });
    await world.press(`disputes/${id}/close`, { outcome: 'won' });
    await world.settled();
    expect(await world.balance(key)).toMatchObject({ available: '50' });
  });
});
