import { concludeStripeBooks, startStripeBooksWorld, type StripeBooksWorld } from '../support/stripe-books-world';

const DAY_SECONDS = 86_400;

describe('a payout that does not stay', () => {
  let world: StripeBooksWorld;

  beforeAll(async () => {
    world = await startStripeBooksWorld();
  });
  afterAll(() => world?.stop());
  afterEach(() => concludeStripeBooks(world));

  const advance = async (days: number) => {
    await world.press('clock', { advanceSeconds: days * DAY_SECONDS });
    await world.settled();
  };
  const money = async () => ({
    clearing: await world.house('stripe:clearing'),
    payouts: await world.house('stripe:payouts'),
    bank: await world.house('bank'),
  });
  const newest = async () => (await world.payouts()).at(-1);
  const stateOf = async (wanted: string) => (await world.payouts()).find(({ id }) => id === wanted)?.state;
  /** Kinds of its entries, the oldest first. */
  const entriesOf = async (id = '') =>
    (
      await world.database.query<{ kind: string }>(
        `SELECT kind FROM journal_entries WHERE memo ->> 'payout' = $1 ORDER BY id`,
        [id],
      )
    ).map(({ kind }) => kind);

  it('in the bank is booked back, and goes out again with the next', async () => {
    await world.paid(10_000);
    await advance(5);
    const payout = await newest();
    expect(payout).toMatchObject({ state: 'paid', amount_minor: 9680n });
    expect(await money()).toEqual({ clearing: '0', payouts: '0', bank: '-96.8' });

    await world.press(`payouts/${payout?.id}/fail`, { failure_code: 'account_closed' });
    await world.settled();
    expect(await newest()).toMatchObject({ state: 'failed', failure_code: 'account_closed', difference_minor: 0n });
    expect(await money()).toEqual({ clearing: '-96.8', payouts: '0', bank: '0' });
    expect(await entriesOf(payout?.id)).toEqual(['payout_sent', 'payout_landed', 'payout_returned', 'payout_bounced']);
    const { body } = await world.ask(world.app.adminToken, '/v1/notifications');
    const told = { payout: payout?.id, amountMinor: '9680', failureCode: 'account_closed' };
    expect(body.data).toMatchObject([{ kind: 'payout_failed', data: told }]);

    await advance(3);
    expect(await newest()).toMatchObject({ state: 'paid', amount_minor: 9680n, difference_minor: 0n });
    expect(await money()).toEqual({ clearing: '0', payouts: '0', bank: '-96.8' });
  });

  it('on its way, or was cancelled, was never in the bank', async () => {
    await world.press('account', { payoutSchedule: 'manual' });
    await world.paid(10_000);
    await advance(3);
    const before = await money();
    for (const end of ['cancel', 'fail'] as const) {
      const { id } = await world.stripe.payouts.create({ amount: 5000, currency: 'usd' });
      await world.settled();
      expect(await money()).toMatchObject({ payouts: '-50', bank: before.bank });
      if (end === 'cancel') await world.stripe.payouts.cancel(id);
      else await world.press(`payouts/${id}/fail`);
      await world.settled();
      expect(await stateOf(id)).toBe(end === 'cancel' ? 'canceled' : 'failed');
      expect(await money()).toEqual(before);
      expect(await entriesOf(id)).toEqual(['payout_sent', 'payout_returned']);
    }
  });

  it('is told of out of order, and many times, and ends the same', async () => {
    const before = await money();
    await world.press('webhooks', { paused: true, duplicate: 2, shuffle: true });
    const { id } = await world.stripe.payouts.create({ amount: 4000, currency: 'usd' });
    await world.press(`payouts/${id}/advance`);
    await world.press(`payouts/${id}/advance`);
    await world.press(`payouts/${id}/fail`);
    await world.press('webhooks', { paused: false });
    await world.settled();
    await world.press('webhooks', { duplicate: 0, shuffle: false });
    expect(await stateOf(id)).toBe('failed');
    expect(await money()).toEqual(before);
  });
});
