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

  // What each does to `stripe:clearing` is told by Stripe's own balance, at the end.
  it.each([
    [
      'a fee that is taken alone',
      { amount: 0, fee: 1500 },
      { kind: 'dispute_withdrawn', expense: '-15', disputed: '-5' },
    ],
    [
      'a fee that comes back alone',
      { amount: 0, fee: -1500 },
      { kind: 'dispute_reinstated', expense: '15', disputed: '-5' },
    ],
    [
      'money that comes back less a larger fee',
      { amount: 500, fee: 1500 },
      { kind: 'dispute_reinstated', expense: '-15', disputed: '0' },
    ],
    [
      'money that comes back with its fee',
      { amount: 500, fee: -1500 },
      { kind: 'dispute_reinstated', expense: '15', disputed: '0' },
    ],
  ])('%s is booked as it moved, once', async (_, { amount, fee }, { kind, expense, disputed }) => {
    const { key, charge, intent } = await world.paid(5000);
    const { id } = await world.press(`charges/${charge}/dispute`, { amount: 500 });
    await world.settled();
    const before = Number(await world.house('expense:disputes'));
    await world.moved(id, intent, { amount, fee });
    const newest = 'SELECT kind FROM journal_entries WHERE kind LIKE $1 ORDER BY id DESC LIMIT 1';
    expect(await world.database.query(newest, ['dispute\\_%'])).toEqual([{ kind }]);
    expect(Number(await world.house('expense:disputes')) - before).toBe(Number(expense));
    expect(await world.house('stripe:disputed')).toBe(disputed);

    await world.press(`disputes/${id}/close`, { outcome: 'won', reinstate: amount === 0 });
    await world.settled();
    expect(await world.balance(key)).toMatchObject({ available: '50', owed: '0' });
  });
});
