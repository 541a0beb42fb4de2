import { concludeStripeBooks, startStripeBooksWorld, type StripeBooksWorld } from '../support/stripe-books-world';

const DAY_SECONDS = 86_400;

/** One of everything that moves Stripe's balance, told by webhooks or by nobody. */
describe.each([
  ['told by webhooks', []],
  ['told by nobody', ['*']],
] as const)('a month at Stripe, %s', (_, drop) => {
  let world: StripeBooksWorld;

  beforeAll(async () => {
    world = await startStripeBooksWorld({ TOPUP_CURRENCIES: 'usd,eur:1.08' });
    await world.press('account', { settlementCurrencies: ['usd'], rates: { eur: '1.10' } });
    await world.press('webhooks', { drop });
  });
  afterAll(() => world?.stop());

  const pay = async (body: object) => {
    const { key } = await world.customer();
    const { body: made } = await world.ask(key, '/v1/topups', body);
    const session = made.url.split('/').pop();
    await world.press(`checkout/${session}/pay`);
    const { payment_intent: intent } = await world.stripe.checkout.sessions.retrieve(session);
    const { latest_charge: charge } = await world.stripe.paymentIntents.retrieve(intent as string);
    return charge as string;
  };

  it('leaves no movement without an entry, and no entry without a movement', async () => {
    const [refunded, returned, won, lost, inEuros, euroLost] = [
      ...[await pay({ amountCents: 10_000 }), await pay({ amountCents: 10_000 }), await pay({ amountCents: 10_000 })],
      ...[await pay({ amountCents: 10_000 }), await pay({ amountCents: 10_000, currency: 'eur' })],
      await pay({ amountCents: 5000, currency: 'eur' }),
    ];
    await world.press(`charges/${refunded}/refund`, { amount: 2500 });
    const { id: refund } = await world.press(`charges/${returned}/refund`, { amount: 2500 });
    await world.press(`refunds/${refund}/settle`, { outcome: 'failed' });
    await world.press('account', { rates: { eur: '1.05' } });
    await world.press(`charges/${inEuros}/refund`, { amount: 3000 });
    for (const [charge, outcome] of [
      [won, 'won'],
      [lost, 'lost'],
      [euroLost, 'lost'],
    ] as const) {
      const { id } = await world.press(`charges/${charge}/dispute`);
      await world.press(`disputes/${id}/close`, { outcome });
    }
    await world.press('balance_transactions', { type: 'stripe_fee', amount: -125, description: 'Radar' });
    await world.press('balance_transactions', { type: 'topup', amount: 5000 });
    await world.press('clock', { advanceSeconds: 6 * DAY_SECONDS });
    await world.settled();
    const report = await world.reconcile();
    expect(report.findings).toEqual([]);
    const kinds = await world.database.query<any>(
      `SELECT type, state, bool_and(explained_atoms = net_minor * 10000000) AS exact FROM stripe_transactions
        GROUP BY type, state ORDER BY type`,
    );
    expect(kinds).toEqual(
      ['adjustment', 'charge', 'payout', 'refund', 'refund_failure', 'stripe_fee', 'topup'].map((type) => ({
        ...{ type, state: 'booked', exact: true },
      })),
    );
    expect(await world.payouts()).toMatchObject([{ state: 'paid', difference_minor: 0n }]);
    expect(await world.house('stripe:clearing')).toBe('0');
    await world.press('webhooks', { drop: [] });
    await concludeStripeBooks(world);
  });
});
