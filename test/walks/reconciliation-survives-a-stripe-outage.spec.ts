import { concludeStripeBooks, startStripeBooksWorld, type StripeBooksWorld } from '../support/stripe-books-world';

describe('a reconciliation while Stripe is in trouble', () => {
  let world: StripeBooksWorld;

  beforeAll(async () => {
    world = await startStripeBooksWorld();
  });
  afterAll(() => world?.stop());
  afterEach(async () => {
    await world.press('faults/clear');
    await world.press('webhooks', { drop: [] });
    await concludeStripeBooks(world);
  });

  /** So many top-ups of which nobody told. */
  const unheard = async (count: number) => {
    await world.press('webhooks', { drop: ['*'] });
    const { customer, key } = await world.customer();
    for (let paid = 0; paid < count; paid += 1) {
      const { session } = await world.topUp(key, 1000);
      await world.press(`checkout/${session}/pay`);
    }
    return { customer, key };
  };
  const booked = async () =>
    (await world.database.query<any>(`SELECT count(*) FROM journal_entries WHERE kind = 'topup_received'`))[0].count;
  /** Payments on the books whose fee nobody has told of. */
  const unpriced = () => world.database.query('SELECT FROM stripe_payments WHERE fee_atoms IS NULL');

  it('waits out an error, a limit and a cut connection, and ends as if there had been none', async () => {
    const { key } = await unheard(5);
    await world.press('faults', { kind: '429', path: '/v1/events', times: 2 });
    await world.press('faults', { kind: 'reset_after', path: '/v1/balance_transactions', times: 1 });
    await world.press('faults', { kind: '500', path: '/v1/balance', skip: 2, times: 2 });
    await world.press('faults', { kind: 'reset_before', path: '/v1/payment_intents', skip: 1, times: 1 });
    const told: string[] = [];
    const report = await world.reconcile({ told });
    expect(report.findings).toEqual([]);
    expect(report.counts).toMatchObject({ transactions: 5, missedEvents: expect.any(Number) });
    expect(told).toEqual(expect.arrayContaining([expect.stringMatching(/^5 balance transactions/)]));
    expect(await world.available(key)).toBe('50');
  });

  it('stops where Stripe is away for long, and goes on from there: nothing is booked twice', async () => {
    const before = await booked();
    const { key } = await unheard(5);
    await world.press('faults', { kind: '500_no_retry', path: '/v1/events', times: 100 });
    await expect(world.reconcile()).rejects.toMatchObject({ status: 503 });
    expect(await booked()).toBe(before);
    await world.press('faults/clear');
    // Its list of events is there again, but not what it would say of payments and of its balance.
    await world.press('faults', { kind: '500_no_retry', path: '/v1/payment_intents', times: 100 });
    await world.press('faults', { kind: '500_no_retry', path: '/v1/balance', times: 100 });
    await expect(world.reconcile()).rejects.toMatchObject({ status: 503 });
    expect(await booked()).toBe(before + 5n);
    expect(await unpriced()).toHaveLength(5);
    await world.press('faults/clear');
    expect((await world.reconcile()).findings).toEqual([]);
    expect(await booked()).toBe(before + 5n);
    expect(await unpriced()).toEqual([]);
    expect(await world.available(key)).toBe('50');
    const again = await world.reconcile();
    expect(again.findings).toEqual([]);
    expect(await booked()).toBe(before + 5n);
  });

  it('keeps the pages of a long list that it has, and asks for the rest', async () => {
    for (let one = 0; one < 250; one += 1) {
      await world.press('balance_transactions', { type: 'stripe_fee', amount: -1 });
    }
    const seen = async () =>
      (await world.database.query<any>(`SELECT count(*) FROM stripe_transactions WHERE type = 'stripe_fee'`))[0].count;
    await world.press('faults', { kind: '500_no_retry', path: '/v1/balance_transactions', skip: 2, times: 100 });
    await expect(world.reconcile()).rejects.toMatchObject({ status: 503 });
    expect(await seen()).toBe(200n);
    await world.press('faults/clear');
    const { counts } = await world.reconcile();
    expect(counts).toMatchObject({ transactions: 250 + 10, newTransactions: 50 });
    expect(await seen()).toBe(250n);
  });
});
