import { plus, usd } from '../../src/common/money';
import { StripeBooksClient } from '../../src/topups/stripe-books/stripe-books.client';
import { StripeReconciliation } from '../../src/topups/stripe-books/stripe-reconciliation.service';
import { StripeSources } from '../../src/topups/stripe-sources.service';
import { expectToAddUp, linesOf, startStripeBooksWorld, type StripeBooksWorld } from '../support/stripe-books-world';

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
  afterEach(async () => {
    jest.restoreAllMocks();
    await world.press('busy', { movesPerLook: 0 });
  });
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

  it('matches when money moves around every look at it and its list, by payments of ours, too', async () => {
    await world.press('busy', { movesPerLook: 3 });
    const list = client.transactions.bind(client);
    jest.spyOn(client, 'transactions').mockImplementation(async function* (span) {
      await world.paid(1000);
      yield* list(span);
    });
    const report = await reconcile();
    expect(report.findings).toEqual([]);
    expect(report.balances[0]?.ours).toEqual(report.balances[0]?.theirs);
    expect(report.counts['transactions']).toBeGreaterThan(0);
  });

  it('tells of what was never listed, to the cent, while money moves', async () => {
    await world.press('busy', { movesPerLook: 2 });
    jest.spyOn(client, 'balance').mockImplementation(async () => plus(await balance(), usd(123_450_000_000n)));
    const report = await reconcile();
    expect(linesOf(report)).toEqual(['balance_unlisted balance 123.45']);
    expectToAddUp(report);
  });

  it('is asked again later only when its balance and its list contradict each other', async () => {
    let times = 0n;
    jest
      .spyOn(client, 'balance')
      .mockImplementation(async () => plus(await balance(), usd((times += 1n) * 10n ** 13n)));
    await expect(reconcile()).rejects.toThrow('ask again later');
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
