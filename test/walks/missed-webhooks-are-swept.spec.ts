import { JobsService } from '../../src/jobs/jobs.service';
import { StripeEvents } from '../../src/topups/stripe-events.service';
import { type PaidTopUp, storyOf } from '../support/payback-world';
import { concludeStripeBooks, startStripeBooksWorld, type StripeBooksWorld } from '../support/stripe-books-world';

const HOUR_SECONDS = 3600;

describe('webhooks that get lost', () => {
  let world: StripeBooksWorld;

  beforeAll(async () => {
    world = await startStripeBooksWorld();
  });
  beforeEach(() => world.press('webhooks', { drop: [] }));
  afterAll(() => world?.stop());
  afterEach(() => concludeStripeBooks(world));

  const sweep = async () => {
    await world.app.app.get(JobsService, { strict: false }).runNow('sweep-stripe-events');
    await world.settled();
  };
  /** Paid, partly refunded in the dashboard, refund failed, and disputed: lost to the bank. `told` after each step. */
  const live = async (told: () => Promise<void>): Promise<PaidTopUp> => {
    const owner = await world.customer();
    const { id: topUp, session } = await world.topUp(owner.key, 5000);
    await world.press(`checkout/${session}/pay`);
    await told();
    const { payment_intent: intent } = await world.stripe.checkout.sessions.retrieve(session);
    const { latest_charge: charge } = await world.stripe.paymentIntents.retrieve(intent as string);
    const refund = await world.press(`charges/${charge as string}/refund`, { amount: 1000 });
    await told();
    await world.press(`refunds/${refund.id}/settle`, { outcome: 'failed', failure_reason: 'expired_or_canceled_card' });
    await told();
    const dispute = await world.press(`charges/${charge as string}/dispute`);
    await told();
    await world.press(`disputes/${dispute.id}/close`, { outcome: 'lost' });
    await told();
    return { ...owner, topUp, intent: intent as string, charge: charge as string };
  };
  /** The order of entries depends on who asks when: Stripe is asked for the present. */
  const books = async (paid: PaidTopUp) => {
    const { postings, ...story } = await storyOf(world, paid);
    return { ...story, postings: postings.map((posting: object) => JSON.stringify(posting, asText)).toSorted() };
  };

  it('are made up for by the list of events: the books are those that webhooks make', async () => {
    const byWebhook = await live(() => world.settled());
    await world.press('webhooks', { drop: ['*'] });
    const bySweep = await live(sweep);
    expect(await books(bySweep)).toEqual(await books(byWebhook));
    expect(await world.balance(bySweep.key)).toMatchObject({ available: '0', owed: '0' });
    expect((await world.ask(bySweep.key, `/v1/topups/${bySweep.topUp}`)).body.state).toBe('refunded');
  });

  it('may all be lost, or come afterwards as well: the end is the same', async () => {
    await world.press('webhooks', { drop: ['*'] });
    const bySweep = await live(async () => undefined);
    expect(
      await world.database.query('SELECT FROM stripe_payments WHERE payment_intent_id = $1', [bySweep.intent]),
    ).toEqual([]);
    await sweep();
    const after = await storyOf(world, bySweep);
    expect(after).toMatchObject({ topUp: 'refunded', refunds: [{ state: 'failed' }], balance: { available: '0' } });
    await sweep();
    await world.press('webhooks', { drop: [] });
    for await (const event of world.stripe.events.list({ limit: 100 })) await world.press(`events/${event.id}/resend`);
    await world.settled();
    expect(await storyOf(world, bySweep)).toEqual(after);
  });

  it('may come while others look for them: everything happens once', async () => {
    const alone = await live(() => world.settled());
    await world.press('webhooks', { paused: true, duplicate: 2, shuffle: true });
    const contested = await live(async () => undefined);
    await Promise.all([world.press('webhooks', { paused: false }), sweep(), world.reconcile(), world.reconcile()]);
    await world.settled();
    await world.press('webhooks', { duplicate: 0, shuffle: false });
    expect(await books(contested)).toEqual(await books(alone));
  });

  it('of payouts are made up for, too', async () => {
    await world.paid(10_000);
    await world.press('webhooks', { drop: ['*'] });
    await world.press('clock', { advanceSeconds: 6 * 24 * HOUR_SECONDS });
    expect(await world.payouts()).toEqual([]);
    await sweep();
    expect(await world.payouts()).toMatchObject([{ state: 'paid', difference_minor: 0n }]);
    expect(await world.house('stripe:payouts')).toBe('0');
  });

  it('are looked for from an hour before the newest that was listed', async () => {
    const { topUp, session } = await world
      .topUp((await world.customer()).key, 1000)
      .then(({ id, session: of }) => ({ topUp: id, session: of }));
    await world.press('webhooks', { drop: ['*'] });
    await world.press(`checkout/${session}/pay`);
    await world.press('clock', { advanceSeconds: HOUR_SECONDS / 2 });
    await world.stripe.customers.create({ name: 'somebody else' });
    await sweep();
    const [{ swept_until: until }] = await world.database.query<any>('SELECT swept_until FROM event_sweeps');
    const [newest] = (await world.stripe.events.list({ limit: 1 })).data;
    expect(until).toEqual(new Date((newest?.created ?? 0) * 1000));
    const [row] = await world.database.query<any>('SELECT state FROM topups WHERE id = $1', [topUp]);
    expect(row.state).toBe('paid');
    // Nothing is done twice for what the next sweep lists again.
    const [before] = await world.database.query<any>('SELECT count(*) FROM stripe_events');
    await sweep();
    expect(await world.database.query('SELECT count(*) FROM stripe_events')).toEqual([before]);
  });

  it('and that nobody can work off keep the others from nothing, and are not forgotten', async () => {
    let broken = true;
    const read = async () => {
      if (broken) throw new Error('nobody can read this');
      return async () => 'read_at_last';
    };
    world.app.app.get(StripeEvents, { strict: false }).handle({ types: ['product.created'], read });
    await world.press('webhooks', { drop: ['*'] });
    const { id } = await world.stripe.products.create({ name: 'unreadable' });
    await world.press('clock', { advanceSeconds: 5 * HOUR_SECONDS });
    const { key } = await world.customer();
    const { session } = await world.topUp(key, 1000);
    await world.press(`checkout/${session}/pay`);
    await sweep();
    expect(await world.available(key)).toBe('10');
    const effects = () => world.database.query('SELECT effect FROM stripe_events WHERE object_id = $1', [id]);
    expect(await effects()).toEqual([]);
    // The sweep goes on behind it, and asks for it by its id, ever later.
    const [{ swept_until: until }] = await world.database.query<any>('SELECT swept_until FROM event_sweeps');
    const [newest] = (await world.stripe.events.list({ limit: 1 })).data;
    expect(until).toEqual(new Date((newest?.created ?? 0) * 1000));
    const failures = () =>
      world.database.query<any>('SELECT DISTINCT type, attempts, next_at > now() AS later FROM stripe_event_failures');
    expect(await failures()).toEqual([{ type: 'product.created', attempts: 1, later: false }]);
    await sweep();
    await sweep();
    expect(await failures()).toEqual([{ type: 'product.created', attempts: 2, later: true }]);
    broken = false;
    await world.database.query('UPDATE stripe_event_failures SET next_at = now()');
    await sweep();
    expect(await effects()).toEqual([{ effect: 'read_at_last' }]);
    expect(await failures()).toEqual([]);
  });
});

const asText = (_: string, value: unknown) => (typeof value === 'bigint' ? value.toString() : value);
