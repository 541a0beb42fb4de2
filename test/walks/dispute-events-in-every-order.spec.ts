import { type Json } from '../support/card-world';
import { concludePayback, type PaybackWorld, startPaybackWorld } from '../support/payback-world';

const TYPES = ['created', 'funds_withdrawn', 'updated', 'closed'].map((news) => `charge.dispute.${news}`);

/** TC-53: taken back when it was opened, and once more when it was lost. */
describe('the events of a dispute, in every order', () => {
  let world: PaybackWorld;

  beforeAll(async () => {
    world = await startPaybackWorld();
  });
  afterAll(() => world?.stop());

  const ordersOf = (list: readonly Json[]): Json[][] =>
    list.length <= 1
      ? [[...list]]
      : list.flatMap((first, index) => ordersOf(list.toSpliced(index, 1)).map((rest) => [first, ...rest]));

  /** A dispute that ends so, whose events nobody has delivered. */
  const decided = async (outcome: 'lost' | 'won') => {
    const paid = await world.paid(5000);
    await world.spend(paid.customer, 2000);
    await world.press('webhooks', { drop: ['*'] });
    const { id } = await world.press(`charges/${paid.charge}/dispute`);
    await world.press(`disputes/${id}/review`);
    await world.press(`disputes/${id}/close`, { outcome });
    await world.press('webhooks', { drop: [] });
    const { data } = await world.stripe.events.list({ limit: 50 });
    const events = data.filter((event: Json) => TYPES.includes(event.type) && event.data.object.id === id);
    expect(events).toHaveLength(TYPES.length);
    return { ...paid, events };
  };

  it.each([
    ['lost', { available: '0', owed: '20', frozen: true }],
    ['won', { available: '30', owed: '0', frozen: false }],
  ] as const)('that was %s, have the same end, and act once', async (outcome, expected) => {
    const { key, topUp, events } = await decided(outcome);
    const books: Json[] = [];
    let round = 0;
    for (const order of ordersOf(events)) {
      round++;
      for (const event of order) {
        const again = { ...event, id: `${event.id}_${outcome}_${round}` };
        expect((await world.deliver(JSON.stringify(again))).status).toBe(200);
      }
      books.push([await world.balance(key), await world.house('stripe:disputed'), await world.left(topUp)]);
    }
    expect(books).toHaveLength(24);
    for (const each of books) expect(each).toEqual(books[0]);
    expect(await world.balance(key)).toMatchObject(expected);
    const [dispute] = (await world.ask(world.app.adminToken, '/admin/disputes')).body.data;
    expect(dispute).toMatchObject({ topUpId: topUp, phase: outcome === 'lost' ? 'lost' : 'closed', amount: '50' });
    await concludePayback(world);
  });
});
