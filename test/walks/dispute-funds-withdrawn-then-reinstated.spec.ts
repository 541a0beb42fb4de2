import type { Json } from '../support/card-world';
import { concludePayback, type PaybackWorld, startPaybackWorld } from '../support/payback-world';

const pick = (all: Json): Json =>
  Object.fromEntries(
    ['phase', 'available', 'lost', 'owed'].flatMap((name) => (name in all ? [[name, all[name]]] : [])),
  );

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
    // The bank has the money still.
    expect(await world.balance(key)).toMatchObject({ posted: '50', available: '0' });
    expect(await world.house('stripe:disputed')).toBe('-50');
    await world.press(`disputes/${id}/reinstate`);
    await world.settled();
    expect(await world.balance(key)).toMatchObject({ available: '50', owed: '0' });
    expect((await world.ask(key, `/v1/topups/${topUp}`)).body.state).toBe('paid');
  });

  it('in part is lost as far as it did not, whatever was seen first', async () => {
    const ends: Json[] = [];
    /** Loses $80 of $100, of which $70 are used and $50 of that are owed then; $30 of it come back, and then $20. */
    for (const [first, then] of [
      [{ outcome: 'lost' }, 3000],
      [3000, { outcome: 'lost' }],
      [3000, { outcome: 'won', reinstate: false }],
      [{ outcome: 'won', reinstate: false }, 3000],
    ]) {
      const { customer, key, charge } = await world.paid(10_000);
      await world.spend(customer, 7000);
      const { id } = await world.press(`charges/${charge}/dispute`, { amount: 8000 });
      await world.settled();
      for (const step of [first, then]) {
        if (typeof step === 'number') await world.press(`disputes/${id}/reinstate`, { amount: step });
        else await world.press(`disputes/${id}/close`, step);
        await world.settled();
      }
      const part = await world.balance(key);
      await world.press(`disputes/${id}/reinstate`, { amount: 2000 });
      await world.settled();
      const { body } = await world.ask(world.app.adminToken, `/admin/disputes?customerId=${customer.id}`);
      ends.push([pick(part), pick(await world.balance(key)), pick(body.data[0]), await world.house('stripe:disputed')]);
    }
    for (const end of ends) {
      expect(end).toEqual([
        { available: '0', owed: '20' },
        { available: '0', owed: '0' },
        { phase: 'lost', lost: '30', owed: '0' },
        '0',
      ]);
    }
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
    const { key, charge } = await world.paid(5000);
    const { id } = await world.press(`charges/${charge}/dispute`, { amount: 500 });
    await world.settled();
    const before = Number(await world.house('expense:disputes'));
    await world.moved(id, { amount, fee });
    const newest = 'SELECT kind FROM journal_entries WHERE kind LIKE $1 ORDER BY id DESC LIMIT 1';
    expect(await world.database.query(newest, ['dispute\\_%'])).toEqual([{ kind }]);
    expect(Number(await world.house('expense:disputes')) - before).toBe(Number(expense));
    expect(await world.house('stripe:disputed')).toBe(disputed);

    await world.press(`disputes/${id}/close`, { outcome: 'won', reinstate: amount === 0 });
    await world.settled();
    expect(await world.balance(key)).toMatchObject({ available: '50', owed: '0' });
  });
});
