import { idOf } from '../../src/topups/stripe-event';
import { StripeSources } from '../../src/topups/stripe-sources.service';
import { conclude } from '../support/card-world';
import { type ReloadWorld, startReloadWorld } from '../support/reload-world';

/** What a reconciliation does with a charge that it finds in Stripe's list and not on the books. */
describe('a payment that no event told of', () => {
  let world: ReloadWorld;

  beforeAll(async () => {
    world = await startReloadWorld();
  });
  beforeEach(() => world.press('webhooks', { drop: ['*'] }));
  afterAll(() => world?.stop());

  /** Every charge at Stripe, as the list of its balance names them; answers what was done. */
  const sweep = async () => {
    const sources = world.app.app.get(StripeSources, { strict: false });
    const done: string[] = [];
    for await (const { source } of world.stripe.balanceTransactions.list({ type: 'charge' })) {
      const effect = await sources.converge(idOf(source) ?? '');
      if (effect) done.push(await world.database.transaction(effect));
    }
    return done.toReversed();
  };

  it('on a page is credit, once, whoever finds it and however often', async () => {
    const { key } = await world.customer();
    const { id, session } = await world.topUp(key, 1000);
    await world.press(`checkout/${session}/pay`);
    expect(await world.available(key)).toBe('0');
    expect(await sweep()).toEqual(['credited']);
    expect(await sweep()).toEqual(['unchanged']);
    expect((await world.ask(key, `/v1/topups/${id}`)).body).toMatchObject({ state: 'paid', paid: '10' });
    expect(await world.available(key)).toBe('10');

    // And at last its event arrives.
    await world.press('webhooks', { drop: [] });
    const { data } = await world.stripe.events.list({ type: 'checkout.session.completed', limit: 1 });
    await world.press(`events/${data[0]?.id}/resend`);
    await world.delivered();
    expect(await world.available(key)).toBe('10');
    await conclude(world);
  });

  it('by auto-reload, or of nobody, finds its place', async () => {
    const { key } = await world.saver();
    await world.put(key, { thresholdCents: 1000, amountCents: 1000 });
    await world.settled();
    expect((await world.attempts(key))[0]).toMatchObject({ state: 'succeeded' });
    const elsewhere = await world.stripe.paymentIntents.create({
      ...{ amount: 700, currency: 'usd', confirm: true, payment_method: 'pm_card_visa' },
      automatic_payment_methods: { enabled: true, allow_redirects: 'never' },
    });
    const done = await sweep();
    expect(done.slice(-2)).toEqual([expect.stringMatching(/^(unchanged|fee_booked)$/), 'suspense']);
    expect(await world.available(key)).toBe('10');
    const [payment] = await world.database.query<any>('SELECT * FROM stripe_payments WHERE payment_intent_id = $1', [
      elsewhere.id,
    ]);
    expect(payment).toMatchObject({ topup_id: null, checkout_session_id: null, gross_atoms: 7_000_000_000n });
    await conclude(world);
  });
});
