import { type Json } from '../support/card-world';
import { concludePayback, type PaybackWorld, startPaybackWorld } from '../support/payback-world';

/** TC-17: what a provider sends again was done again. Top-ups are in `card-top-up-delivery.spec.ts`. */
describe('each webhook, delivered five times at once', () => {
  let world: PaybackWorld;

  beforeAll(async () => {
    world = await startPaybackWorld();
  });
  afterAll(() => world?.stop());
  afterEach(() => concludePayback(world));

  /** What happens in silence, told five times at once, event by event and then all of it together. */
  const told = async (happen: () => Promise<unknown>) => {
    await world.press('webhooks', { drop: ['*'] });
    const [last] = (await world.stripe.events.list({ limit: 1 })).data;
    await happen();
    await world.press('webhooks', { drop: [] });
    const { data } = await world.stripe.events.list({ limit: 100, ending_before: last?.id ?? '' });
    const bodies = data.toReversed().map((event: Json) => JSON.stringify(event));
    const five = (body: string) => Array.from({ length: 5 }, () => world.deliver(body));
    for (const body of bodies) {
      const answers = await Promise.all(five(body));
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
      expect(answers.filter((answer) => !['duplicate', 'ignored'].includes(answer.body.effect)).length < 2).toBe(true);
    }
    const again = await Promise.all(bodies.flatMap(five));
    expect(again.filter((answer) => !['duplicate', 'ignored', 'unchanged'].includes(answer.body.effect))).toEqual([]);
    expect(bodies.length).toBeGreaterThan(0);
  };

  it('takes a refund once, and gives it back once when it fails', async () => {
    const { key, topUp, charge } = await world.paid(5000);
    let refund = '';
    await told(async () => {
      ({ id: refund } = await world.press(`charges/${charge}/refund`, { amount: 2000 }));
    });
    expect(await world.balance(key)).toMatchObject({ available: '30', owed: '0' });
    await told(() => world.press(`refunds/${refund}/settle`, { outcome: 'failed' }));
    expect(await world.balance(key)).toMatchObject({ available: '50', owed: '0' });
    expect(await world.refunds(key)).toMatchObject([{ state: 'failed', amount: '20' }]);
    expect(await world.left(topUp)).toBe('50');
  });

  it('takes a lost dispute once, and gives it back once when its money comes back', async () => {
    const { customer, key, charge } = await world.paid(5000);
    await world.spend(customer, 1000);
    let dispute = '';
    await told(async () => {
      ({ id: dispute } = await world.press(`charges/${charge}/dispute`));
    });
    expect(await world.balance(key)).toMatchObject({ available: '0', held: '40', owed: '0' });
    await told(() => world.press(`disputes/${dispute}/close`, { outcome: 'lost' }));
    expect(await world.balance(key)).toMatchObject({ available: '0', held: '0', owed: '10', frozen: true });
    await world.press('webhooks', { drop: ['*'] });
    await world.press(`disputes/${dispute}/reinstate`);
    await world.press('webhooks', { drop: [] });
    const [event] = (await world.stripe.events.list({ limit: 1, type: 'charge.dispute.funds_reinstated' })).data;
    const answers = await Promise.all([1, 2, 3, 4, 5].map(() => world.deliver(JSON.stringify(event))));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    expect(await world.balance(key)).toMatchObject({ available: '40', owed: '0', frozen: false });
  });
});
