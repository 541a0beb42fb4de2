import { PayoutTieOut } from '../../src/topups/stripe-books/payout-tie-out.processor';
import { eventually } from '../support/program';
import {
  concludeStripeBooks,
  expectToAddUp,
  linesOf,
  startStripeBooksWorld,
  type StripeBooksWorld,
} from '../support/stripe-books-world';

const DAY_SECONDS = 86_400;

describe('an automatic payout', () => {
  let world: StripeBooksWorld;

  beforeAll(async () => {
    world = await startStripeBooksWorld();
  });
  afterAll(() => world?.stop());
  afterEach(() => concludeStripeBooks(world));

  it('adds up to what is behind it, and the bank receives the net', async () => {
    const { topUp } = await world.paid(10_000);
    await world.paid(2500);
    await world.refund(topUp, { amountCents: 1000 });
    await world.press('balance_transactions', { type: 'stripe_fee', amount: -150, description: 'Radar' });
    await world.press('clock', { advanceSeconds: 3 * DAY_SECONDS });
    await world.settled();
    // 100 and 25, less 2.9 % and 30 ¢ of each, a refund of 10 and a charge of Stripe's own.
    const net = 10_000 - 320 + 2500 - 103 - 1000 - 150;
    expect(await world.payouts()).toMatchObject([
      { state: 'in_transit', automatic: true, amount_minor: BigInt(net), difference_minor: 0n },
    ]);
    expect(await world.house('stripe:payouts')).toBe('-109.27');
    expect(await world.house('bank')).toBe('0');

    await world.press('clock', { advanceSeconds: 2 * DAY_SECONDS });
    await world.settled();
    expect(await world.payouts()).toMatchObject([{ state: 'paid', difference_minor: 0n }]);
    expect(await world.house('stripe:payouts')).toBe('0');
    expect(await world.house('bank')).toBe('-109.27');

    // What the operator looks for on the bank's statement.
    const { body } = await world.ask(world.app.adminToken, '/admin/payouts');
    expect(body.data).toMatchObject([
      { state: 'paid', currency: 'usd', amountMinor: '10927', differenceMinor: '0', traceId: expect.any(String) },
    ]);
    expect((await world.ask((await world.customer()).key, '/admin/payouts')).status).toBe(403);

    const report = await world.reconcile();
    expect(report.balances).toMatchObject([{ name: 'stripe:clearing', ours: { atoms: 0n }, theirs: { atoms: 0n } }]);
    expect(await world.house('stripe:clearing')).toBe('0');
    expect(await world.house('stripe:fees')).toBe('-5.73');
    const behind = await world.database.query<any>(
      `SELECT type, state FROM stripe_transactions WHERE payout_id IS NOT NULL ORDER BY type`,
    );
    expect(behind).toEqual(
      ['charge', 'charge', 'payout', 'refund', 'stripe_fee'].map((type) => ({ type, state: 'booked' })),
    );
  });

  it('that Stripe adds up otherwise is a finding until it does', async () => {
    await world.paid(4000);
    await world.press('clock', { advanceSeconds: 6 * DAY_SECONDS });
    await world.settled();
    const [, payout] = await world.payouts();
    expect(payout).toMatchObject({ state: 'paid', amount_minor: 3854n, difference_minor: 0n });
    // As if the list had lacked the charge when it was asked for.
    await world.database.query('UPDATE payouts SET difference_minor = -3854 WHERE id = $1', [payout?.id]);
    const report = await world.reconcile();
    expect(report.findings).toEqual([]);
    expect((await world.payouts())[1]).toMatchObject({ difference_minor: 0n });
  });

  it('whose list of transactions lies is a finding, and no money is missing by it', async () => {
    await world.paid(6000);
    await world.paid(2000);
    await world.press('webhooks', { drop: ['*'] });
    await world.press('clock', { advanceSeconds: 6 * DAY_SECONDS });
    await world.settled();
    const {
      data: [payout],
    } = await world.stripe.payouts.list({ limit: 1 });
    const { data } = await world.stripe.balanceTransactions.list({ payout: payout!.id });
    const hidden = data.find(({ amount }) => amount === 2000)!;
    await world.press(`payouts/${payout!.id}/contents`, { hidden: [hidden.id] });
    const report = await world.reconcile();
    expect(linesOf(report)).toEqual([`payout_difference ${payout!.id} 0`]);
    expect(report.findings[0]?.suggestedCause).toMatch(/payout of 77\.08 USD add up to 57\.96 USD/);
    expectToAddUp(report);
    expect((await world.payouts()).at(-1)).toMatchObject({ difference_minor: -1912n });
    await world.press(`payouts/${payout!.id}/contents`, { hidden: [] });
    await world.press('webhooks', { drop: [] });
  });

  it('waits for what Stripe tells of it meanwhile, and keeps that waiting for nothing', async () => {
    await world.paid(4000);
    await world.press('clock', { advanceSeconds: 6 * DAY_SECONDS });
    await world.settled();
    const [payout] = (await world.payouts()).slice(-1);
    await world.database.query('UPDATE payouts SET difference_minor = -1 WHERE id = $1', [payout?.id]);
    const tied = await world.database.transaction(async (tx) => {
      await tx.query('SELECT FROM payouts WHERE id = $1 FOR NO KEY UPDATE', [payout?.id]);
      const tying = world.app.app.get(PayoutTieOut, { strict: false }).tieOutAll();
      await eventually('Somebody waits', async () => {
        const waiting = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
        return (await world.database.query(waiting)).length > 0 ? true : undefined;
      });
      await tx.query('SELECT FROM stripe_transactions WHERE payout_id = $1 FOR NO KEY UPDATE NOWAIT', [payout?.id]);
      return { tying };
    });
    expect(await tied.tying).toBe(1);
    expect((await world.payouts()).slice(-1)).toMatchObject([{ id: payout?.id, difference_minor: 0n }]);
  });

  it('that takes from the bank what the balance lacks adds up as well', async () => {
    await world.press('account', { debitNegativeBalances: true });
    const { charge } = await world.paid(5000);
    await world.press('clock', { advanceSeconds: 6 * DAY_SECONDS });
    await world.settled();
    const inCents = async () => Math.round(Number(await world.house('bank')) * 100);
    const before = await inCents();
    const { id } = await world.press(`charges/${charge}/dispute`);
    await world.press(`disputes/${id}/close`, { outcome: 'lost' });
    await world.press('clock', { advanceSeconds: 6 * DAY_SECONDS });
    await world.settled();
    // What was disputed, and the fee of that.
    expect((await world.payouts()).at(-1)).toMatchObject({
      ...{ state: 'paid', automatic: true, amount_minor: -6500n, difference_minor: 0n },
    });
    expect((await inCents()) - before).toBe(6500);
    expect([await world.house('stripe:payouts'), await world.house('stripe:clearing')]).toEqual(['0', '0']);
  });
});
