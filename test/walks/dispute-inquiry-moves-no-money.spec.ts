import { concludePayback, type PaybackWorld, startPaybackWorld } from '../support/payback-world';

describe('doubts of a bank before there is a dispute', () => {
  let world: PaybackWorld;

  beforeAll(async () => {
    world = await startPaybackWorld();
  });
  afterAll(() => world?.stop());
  afterEach(() => concludePayback(world));

  it('an inquiry moves no money and freezes nothing, until it becomes a dispute', async () => {
    const { key, topUp, charge } = await world.paid(5000);
    const { id } = await world.press(`charges/${charge}/dispute`, { inquiry: true });
    await world.settled();
    expect(await world.balance(key)).toMatchObject({ available: '50' });
    expect((await world.ask(key, `/v1/topups/${topUp}`)).body.state).toBe('paid');
    const told = (await world.ask(world.app.adminToken, '/v1/notifications')).body.data;
    expect(told[0]).toMatchObject({ kind: 'dispute_inquiry', data: { dispute: id } });
    await world.press(`disputes/${id}/escalate`);
    await world.settled();
    expect(await world.balance(key)).toMatchObject({ available: '0', posted: '50' });
    await world.press(`disputes/${id}/close`, { outcome: 'won' });
    await world.settled();
    expect(await world.balance(key)).toMatchObject({ available: '50' });
  });

  it('an early fraud warning freezes what is left, which the operator may refund', async () => {
    const { customer, key, topUp, charge } = await world.paid(5000);
    await world.spend(customer, 1000);
    await world.press(`charges/${charge}/early_fraud_warning`, { fraud_type: 'made_with_stolen_card' });
    await world.settled();
    expect(await world.balance(key)).toMatchObject({ available: '0', posted: '40' });
    expect((await world.refund(topUp, { amountCents: 1000 })).body).toMatchObject({ amount: '10' });
    expect(await world.balance(key)).toMatchObject({ posted: '30' });
    await concludePayback(world);
  });
});
