import { concludePayback, type PaybackWorld, startPaybackWorld } from '../support/payback-world';
import { seedPrices } from '../support/world';

/** TC-52: the balance was cut off at zero, and the rest forgotten. */
describe('a dispute that is lost after its credit was spent', () => {
  let world: PaybackWorld;

  beforeAll(async () => {
    world = await startPaybackWorld();
    await seedPrices(world.app);
  });
  afterAll(() => world?.stop());
  afterEach(() => concludePayback(world));

  const refusal = async (key: string) => {
    const call = { model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'Hello' }], max_tokens: 10 };
    const { status, body } = await world.ask(key, '/v1/chat/completions', call);
    return [status, body.code, body.disputed, body.owed];
  };

  it('freezes what is left, takes it, and makes the rest a debt that the next top-up repays', async () => {
    const { customer, key, topUp, charge } = await world.paid(10_000);
    await world.spend(customer, 7000);
    const { id } = await world.press(`charges/${charge}/dispute`);
    await world.settled();
    expect(await world.balance(key)).toMatchObject({ posted: '30', available: '0', owed: '0' });
    expect(await refusal(key)).toEqual([402, 'payment_disputed', '30', undefined]);
    expect((await world.ask(key, `/v1/topups/${topUp}`)).body.state).toBe('disputed');
    expect([await world.house('stripe:disputed'), await world.house('expense:disputes')]).toEqual(['-100', '-15']);
    expect((await world.refund(topUp)).body.code).toBe('payment_disputed');
    // Other credit goes on paying meanwhile.
    const other = await world.paidAgain({ customer, key }, 2000);
    expect(await world.balance(key)).toMatchObject({ posted: '50', available: '20' });

    await world.press(`disputes/${id}/close`, { outcome: 'lost' });
    await world.settled();
    expect(await world.balance(key)).toMatchObject({ available: '0', owed: '50', frozen: true });
    expect(await refusal(key)).toEqual([402, 'payment_disputed', undefined, '50']);
    expect([await world.left(topUp), await world.left(other.topUp)]).toEqual(['0', '20']);
    expect((await world.ask(key, `/v1/topups/${topUp}`)).body.state).toBe('refunded');
    expect(
      (await world.ask(world.app.adminToken, `/admin/disputes?customerId=${customer.id}`)).body.data,
    ).toMatchObject([{ id, phase: 'lost', lost: '100', owed: '50' }]);
    await world.paidAgain({ customer, key }, 6000);
    expect(await world.balance(key)).toMatchObject({ available: '10', owed: '0', frozen: false });
  });

  it('by the clock, because nobody answered', async () => {
    const { key, charge } = await world.paid(1000);
    await world.press('account', { payoutSchedule: 'manual' });
    await world.press(`charges/${charge}/dispute`);
    await world.settled();
    await world.press('clock', { advanceSeconds: 10 * 86_400 });
    await world.settled();
    expect(await world.balance(key)).toMatchObject({ available: '0', posted: '0', owed: '0' });
  });
});
