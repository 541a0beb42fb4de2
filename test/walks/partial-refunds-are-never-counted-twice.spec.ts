import { eventBody } from '../support/card-world';
import { concludePayback, type PaybackWorld, startPaybackWorld } from '../support/payback-world';

/** TC-49: the charge's sum of refunds was taken once per partial refund. */
describe('partial refunds', () => {
  let world: PaybackWorld;

  beforeAll(async () => {
    world = await startPaybackWorld();
  });
  afterAll(() => world?.stop());
  afterEach(() => concludePayback(world));

  it('of ours and of the dashboard add up, however often and in whatever order they are told of', async () => {
    const { key, topUp, charge } = await world.paid(10_000);
    await world.press('webhooks', { duplicate: 2, shuffle: true });
    await world.refund(topUp, { amountCents: 3000 });
    await world.press(`charges/${charge}/refund`, { amount: 2000 });
    await world.settled();
    await world.refund(topUp, { amountCents: 1000 });
    await world.settled();
    const told = await Promise.all(['charge.refunded', 'refund.created'].map((type) => eventBody(world, type)));
    // Told of once more under other ids: nothing is new.
    for (const [index, body] of [...told, ...told].entries()) {
      const again = { ...JSON.parse(body), id: `evt_again_${index}` };
      expect((await world.deliver(JSON.stringify(again))).body.effect).toBe('unchanged');
    }
    await world.press('webhooks', { duplicate: 0, shuffle: false });
    expect((await world.refunds(key)).map(({ amount, state, origin }) => `${amount} ${state} ${origin}`)).toEqual([
      '10 succeeded operator',
      '20 succeeded dashboard',
      '30 succeeded operator',
    ]);
    expect(await world.balance(key)).toMatchObject({ available: '40', owed: '0' });
    expect((await world.refund(topUp, { amountCents: 4001 })).body).toMatchObject({ refundableCents: '4000' });
    expect((await world.refund(topUp)).body).toMatchObject({ amount: '40' });
    expect((await world.ask(key, `/v1/topups/${topUp}`)).body.state).toBe('refunded');
  });

  it('that are asked for at the same moment never take more than there is', async () => {
    const { key, topUp } = await world.paid(1000);
    const asked = await Promise.all(
      Array.from({ length: 6 }, () =>
        world.ask(world.app.adminToken, `/admin/topups/${topUp}/refunds`, { amountCents: 300 }),
      ),
    );
    await world.settled();
    expect(asked.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([201, 201, 201, 409, 409, 409]);
    expect(await world.balance(key)).toMatchObject({ available: '1', owed: '0' });
  });

  it('return the tax in proportion, and all of it in the end', async () => {
    const { key } = await world.customer();
    const { id, session } = await world.topUp(key, 1000);
    await world.press('webhooks', { paused: true });
    await world.press(`checkout/${session}/pay`);
    const event = JSON.parse(await eventBody(world, 'checkout.session.completed'));
    // A third of a cent of tax in every cent: no part of it is a whole number.
    Object.assign(event.data.object, { total_details: { amount_tax: 333 } });
    await world.deliver(JSON.stringify(event));
    await world.press('webhooks', { paused: false });
    await world.settled();
    expect(await world.house('tax:payable')).toBe('3.33');
    for (const amountCents of [1, 332, 667]) await world.refund(id, { amountCents });
    expect((await world.refunds(key)).map(({ credit, tax }) => [credit, tax])).toEqual([
      ['4.44889', '2.22111'],
      ['2.21444', '1.10556'],
      ['0.00667', '0.00333'],
    ]);
    expect(await world.house('tax:payable')).toBe('0');
    expect(await world.balance(key)).toMatchObject({ available: '0', owed: '0' });
  });
});
