import { concludePayback, type PaybackWorld, startPaybackWorld } from '../support/payback-world';

/** TC-51: what came back was not counted, and a later refund took too little. */
describe('a dispute of a payment that was refunded in part', () => {
  let world: PaybackWorld;

  beforeAll(async () => {
    world = await startPaybackWorld();
  });
  afterAll(() => world?.stop());
  afterEach(() => concludePayback(world));

  it.each([
    ['won', '70', '0'],
    ['lost', '0', '0'],
  ] as const)('and then is %s counts only what was left', async (outcome, available, owed) => {
    const { key, topUp, charge } = await world.paid(10_000);
    await world.refund(topUp, { amountCents: 3000 });
    const { id } = await world.press(`charges/${charge}/dispute`, { amount: 7000 });
    await world.settled();
    await world.press(`disputes/${id}/close`, { outcome });
    await world.settled();
    expect(await world.balance(key)).toMatchObject({ available, owed });
    const again = (await world.refund(topUp)).body;
    expect(outcome === 'won' ? again.amount : again.code).toBe(outcome === 'won' ? '70' : 'nothing_to_refund');
    // Our books let it go; the simulator refuses a charge that ever was disputed, and the credit is there again.
    if (outcome === 'won') expect((await world.refunds(key))[0].state).toBe('rejected');
    expect(await world.balance(key)).toMatchObject({ available, owed });
  });
});
