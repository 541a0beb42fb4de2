import { StripeBooksClient } from '../../src/topups/stripe-books/stripe-books.client';
import { StripeReconciliation } from '../../src/topups/stripe-books/stripe-reconciliation.service';
import { StripeSources } from '../../src/topups/stripe-sources.service';
import { startStripeBooksWorld, type StripeBooksWorld } from '../support/stripe-books-world';

/** Money moves while Stripe is asked for its balance, each time. */
describe('a Stripe account on which money moves all the time', () => {
  let world: StripeBooksWorld;
  let client: StripeBooksClient;
  let balance: StripeBooksClient['balance'];

  beforeAll(async () => {
    world = await startStripeBooksWorld();
    client = world.app.app.get(StripeBooksClient, { strict: false });
    balance = client.balance.bind(client);
  });
  afterEach(() => jest.restoreAllMocks());
  afterAll(() => world?.stop());

  const reconcile = () =>
    world.app.app
      .get(StripeReconciliation, { strict: false })
      .reconcile({ from: new Date(Date.now() - 3_600_000), until: new Date() }, () => undefined);
  const move = () => world.press('balance_transactions', { type: 'stripe_fee', amount: -1 });

  it.each([
    ['just before its balance is read', async () => (await move(), balance())],
    ['just after its balance is read', async () => balance().finally(move)],
  ])('matches when something moved %s', async (_, read) => {
    jest.spyOn(client, 'balance').mockImplementation(read);
    const { findings, balances } = await reconcile();
    expect(findings).toEqual([]);
    expect(balances[0]?.ours).toEqual(balances[0]?.theirs);
  });

  it('is asked again later when its balance is neither what was nor what is', async () => {
    jest.spyOn(client, 'balance').mockImplementation(async () => {
      await move();
      return balance().finally(move);
    });
    await expect(reconcile()).rejects.toThrow('Ask again when it is calmer');
  });

  it('is asked for what stays open several times in its first day, then once a day', async () => {
    await world.press('balance_transactions', { type: 'transfer', amount: -2, source: 'tr_1' });
    const sources = jest.spyOn(world.app.app.get(StripeSources, { strict: false }), 'converge');
    await world.database.query(`UPDATE stripe_transactions SET source_id = 'tr_1' WHERE state = 'open'`);
    const asked = async () => {
      sources.mockClear();
      await reconcile();
      return sources.mock.calls.length;
    };
    await asked();
    await world.database.query(
      `UPDATE stripe_transactions SET source_id = 'tr_1', created_at = created_at - interval '3 days' WHERE state = 'open'`,
    );
    expect(await asked()).toBe(0);
    await world.database.query(`UPDATE stripe_transactions SET asked_at = asked_at - interval '2 days'`);
    expect(await asked()).toBe(1);
    expect(await asked()).toBe(0);
  });
});
