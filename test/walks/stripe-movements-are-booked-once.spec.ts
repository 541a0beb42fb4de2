import { usd } from '../../src/common/money';
import { stripeClearing, stripeFees } from '../../src/ledger/ledger-account';
import { type StripeEvent } from '../../src/topups/stripe-event';
import { StripeEvents } from '../../src/topups/stripe-events.service';
import { StripeMovements } from '../../src/topups/stripe-movements.service';
import type { StripeTransaction } from '../../src/topups/stripe-transaction';
import { type CardWorld, conclude, startCardWorld } from '../support/card-world';

/** Whoever learns of a movement of our balance at Stripe books it, and everybody after finds it booked. */
describe('movements of the balance at Stripe', () => {
  let world: CardWorld;

  beforeAll(async () => {
    world = await startCardWorld();
  });
  afterAll(() => world?.stop());

  const get = <Service>(service: new (...given: never[]) => Service) =>
    world.app.app.get<Service>(service, { strict: false });
  const rows = (sql: string, ...parameters: unknown[]) => world.database.query<any>(sql, parameters);

  it('of a payment are explained by the entry of the payment', async () => {
    const { key } = await world.customer();
    const { id, session } = await world.topUp(key, 1000);
    await world.press(`checkout/${session}/pay`);
    await world.delivered();
    const [topUp] = await rows('SELECT entry_id, payment_intent_id FROM topups WHERE id = $1', id);
    const movements = await rows(
      'SELECT * FROM stripe_transactions WHERE payment_intent_id = $1',
      topUp.payment_intent_id,
    );
    expect(movements).toMatchObject([
      {
        type: 'charge',
        state: 'booked',
        entry_id: topUp.entry_id,
        amount_minor: 1000n,
        fee_minor: 59n,
        net_minor: 941n,
      },
    ]);
    expect(movements[0].source_id).toMatch(/^ch_/);
    await conclude(world);
  });

  it('are booked once, by whichever of many learns of them first', async () => {
    const movement: StripeTransaction = {
      id: 'txn_learned_of_twice',
      type: 'stripe_fee',
      reportingCategory: 'fee',
      sourceId: null,
      paymentIntentId: null,
      currency: 'usd',
      amount: -200,
      fee: 0,
      net: -200,
      createdAt: new Date(),
      availableAt: new Date(),
    };
    const entry = {
      key: `stripe-txn:${movement.id}`,
      kind: 'stripe_charge',
      customerId: null,
      postings: [{ from: stripeFees(), to: stripeClearing(), amount: usd(2_000_000_000n) }],
    };
    const book = () => world.database.transaction((tx) => get(StripeMovements).book(tx, movement, entry));
    const booked = await Promise.all([book(), book(), book()]);
    expect(booked.filter(Boolean)).toEqual([true]);
    expect(await book()).toBe(false);
    expect(await rows('SELECT state FROM stripe_transactions WHERE id = $1', movement.id)).toEqual([
      { state: 'booked' },
    ]);
    expect(await rows('SELECT FROM journal_entries WHERE key = $1', entry.key)).toHaveLength(1);
  });

  it('of a payment that is not on the books are seen, and stay open', async () => {
    const intent = await world.stripe.paymentIntents.create({
      amount: 700,
      currency: 'usd',
      confirm: true,
      payment_method: 'pm_card_visa',
      automatic_payment_methods: { enabled: true, allow_redirects: 'never' },
      expand: ['latest_charge.balance_transaction'],
    });
    const charge = intent.latest_charge as { id: string; balance_transaction: { id: string } };
    const movement: StripeTransaction = {
      id: charge.balance_transaction?.id ?? 'txn_of_nobody',
      type: 'charge',
      reportingCategory: 'charge',
      sourceId: charge.id,
      paymentIntentId: intent.id,
      currency: 'usd',
      amount: 700,
      fee: 50,
      net: 650,
      createdAt: new Date(),
      availableAt: new Date(),
    };
    await world.database.transaction((tx) => get(StripeMovements).bindPayment(tx, movement));
    expect(await rows('SELECT state, entry_id FROM stripe_transactions WHERE id = $1', movement.id)).toEqual([
      { state: 'open', entry_id: null },
    ]);
  });
});

describe('events that several parts are concerned by', () => {
  let world: CardWorld;

  beforeAll(async () => {
    world = await startCardWorld();
  });
  afterAll(() => world?.stop());

  const event: StripeEvent = { id: 'evt_two', type: 'thing.changed', created: new Date(), object: { id: 'thing_1' } };

  it('take effect together or not at all, and once', async () => {
    const events = world.app.app.get(StripeEvents, { strict: false });
    let healthy = false;
    const seen: string[] = [];
    events.handle({ types: [event.type], read: async () => async () => String(seen.push('first')) });
    events.handle({ types: [event.type], read: async () => undefined });
    events.handle({
      types: [event.type],
      read: async () => async () => {
        if (!healthy) throw new Error('not yet');
        return 'second';
      },
    });
    await expect(events.receive(event)).rejects.toThrow('not yet');
    expect(await world.database.query('SELECT FROM stripe_events WHERE id = $1', [event.id])).toEqual([]);
    healthy = true;
    expect(await events.receive(event)).toBe('2,second');
    expect(await events.receive(event)).toBe('duplicate');
    expect(await world.database.query('SELECT object_id, effect FROM stripe_events')).toEqual([
      { object_id: 'thing_1', effect: '2,second' },
    ]);
  });
});
