import { asOwner } from '../support/owner';
import {
  concludeStripeBooks,
  expectToAddUp,
  linesOf,
  startStripeBooksWorld,
  type StripeBooksWorld,
} from '../support/stripe-books-world';

const DAY_SECONDS = 86_400;

describe('a payout by hand', () => {
  let world: StripeBooksWorld;

  beforeAll(async () => {
    world = await startStripeBooksWorld();
    await world.press('account', { payoutSchedule: 'manual' });
  });
  afterAll(() => world?.stop());
  afterEach(() => concludeStripeBooks(world));

  const advance = async (days: number) => {
    await world.press('clock', { advanceSeconds: days * DAY_SECONDS });
    await world.settled();
  };
  const payOut = async (amount: number) => {
    const { id } = await world.stripe.payouts.create({ amount, currency: 'usd' });
    await advance(3);
    return id;
  };

  it('ties out by date: so much was available, and what is left stays for the next', async () => {
    await world.paid(10_000);
    await advance(3);
    const first = await payOut(6000);
    expect(await world.payouts()).toMatchObject([
      { id: first, state: 'paid', automatic: false, difference_minor: null },
    ]);
    expect(await world.house('bank')).toBe('-60');
    expect((await world.reconcile()).findings).toEqual([]);
    const second = await payOut(3680);
    expect((await world.reconcile()).findings).toEqual([]);
    expect(await world.payouts()).toMatchObject([
      { id: first, difference_minor: 0n },
      { id: second, difference_minor: 0n },
    ]);
    expect(await world.house('bank')).toBe('-96.8');
    expect(await world.house('stripe:clearing')).toBe('0');
  });

  it('of more than was available by what we know is a finding, until that is known', async () => {
    await world.paid(10_000);
    await advance(3);
    const id = await payOut(9000);
    // As if the charge had been made before there was Tollbridge, and nobody had asked for days so long ago.
    await asOwner(
      world.app,
      `DELETE FROM stripe_transactions WHERE id =
         (SELECT id FROM stripe_transactions WHERE type = 'charge' ORDER BY created_at DESC LIMIT 1)`,
    );
    const report = await world.reconcile({ from: new Date(Date.now() + 13.5 * DAY_SECONDS * 1000) });
    expectToAddUp(report);
    expect(linesOf(report)).toEqual([
      expect.stringMatching(/^not_at_stripe entry:\d+ -96.8$/),
      `payout_difference ${id} 0`,
      'balance_unlisted balance 96.8',
    ]);
    expect(report.balances.map(({ name }) => name)).toEqual(['stripe:clearing']);
    expect(report.findings.find(({ ref }) => ref === id)?.account).toBeUndefined();
  });
});
