import { concludePayback, type PaybackWorld, startPaybackWorld } from '../support/payback-world';

/** TC-50, TC-51: a withdrawal was taken for the loss, and what came back was not. */
describe('a dispute whose money comes back', () => {
  let world: PaybackWorld;

  beforeAll(async () => {
    world = await startPaybackWorld();
  });
  afterAll(() => world?.stop());
  afterEach(() => concludePayback(world));

  it('took nothing from the customer, and lets the credit be used again', async () => {
    const { key, topUp, charge } = await world.paid(5000);
    const { id } = await world.press(`charges/${charge}/dispute`, { withdraw: false });
    await world.settled();
    expect(await world.house('stripe:disputed')).toBe('0');
    expect(await world.balance(key)).toMatchObject({ posted: '50', available: '0' });
    await world.press(`disputes/${id}/withdraw`);
    await world.settled();
    expect(await world.house('stripe:disputed')).toBe('-50');
    expect(await world.balance(key)).toMatchObject({ posted: '50', available: '0', owed: '0' });
    await world.press(`disputes/${id}/close`, { outcome: 'won', reinstate: false });
    await world.settled();
    expect(await world.balance(key)).toMatchObject({ available: '50' });
    expect(await world.house('stripe:disputed')).toBe('-50');
    await world.press(`disputes/${id}/reinstate`);
    await world.settled();
    expect(await world.balance(key)).toMatchObject({ available: '50', owed: '0' });
    expect((await world.ask(key, `/v1/topups/${topUp}`)).body.state).toBe('paid');
  });
});
