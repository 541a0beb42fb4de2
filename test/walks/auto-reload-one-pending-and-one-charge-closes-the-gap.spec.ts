import { AutoReloadService } from '../../src/topups/reload/auto-reload.service';
import { conclude } from '../support/card-world';
import { type ReloadWorld, startReloadWorld } from '../support/reload-world';

/** TC-44: a reload that repeats while one is pending, or takes one charge per increment. */
describe('auto-reload', () => {
  let world: ReloadWorld;

  beforeAll(async () => {
    world = await startReloadWorld();
  });
  afterAll(() => world?.stop());

  it('closes the gap in one charge, however many ask at once', async () => {
    const saver = await world.saver({ cents: 1000 });
    const { customer, key } = saver;
    expect((await world.put(key, { thresholdCents: 1000, amountCents: 500 })).body).toMatchObject({
      state: 'active',
      threshold: '10',
      amount: '5',
      reason: null,
    });
    expect(await world.attempts(key)).toEqual([]);
    // $10 of credit, $23 used: $13 of them are owed, and $23 are missing to the threshold.
    await world.spend(customer, 2300);
    const rules = world.app.app.get(AutoReloadService, { strict: false });
    const ask = () => world.database.transaction((tx) => rules.evaluate(tx, customer.id));
    const answers = await Promise.all(Array.from({ length: 20 }, ask));
    expect(answers.filter((answer) => answer === 'started')).toHaveLength(1);
    await world.settled();
    expect(await world.attempts(key)).toMatchObject([{ amount: '25', state: 'succeeded', reason: null, url: null }]);
    expect(await world.charges(saver)).toEqual([
      { amount: 2500, status: 'succeeded' },
      { amount: 1000, status: 'succeeded' },
    ]);
    expect((await world.ask(key, '/v1/balance')).body).toMatchObject({ available: '12', owed: '0' });
    expect(await world.told(key)).toEqual(['reload_succeeded']);
    await world.wake();
    expect(await world.attempts(key)).toHaveLength(1);
    await conclude(world);
  });

  it('starts none beside one that Stripe has not answered yet', async () => {
    const saver = await world.saver();
    const { customer, key } = saver;
    await world.press('api', { latencyMs: 400 });
    await world.put(key, { thresholdCents: 1000, amountCents: 500 });
    const rules = world.app.app.get(AutoReloadService, { strict: false });
    expect(await world.database.transaction((tx) => rules.evaluate(tx, customer.id))).toBe('pending');
    await world.press('api', { latencyMs: 0 });
    await world.settled();
    expect(await world.charges(saver)).toEqual([{ amount: 1000, status: 'succeeded' }]);
    expect(await world.available(key)).toBe('10');
    await conclude(world);
  });

  it('is charged once when Stripe tells of it before, after and many times', async () => {
    const saver = await world.saver();
    await world.press('webhooks', { duplicate: 4, shuffle: true });
    await world.put(saver.key, { thresholdCents: 500, amountCents: 500 });
    await world.settled();
    await world.press('webhooks', { duplicate: 0, shuffle: false });
    expect(await world.available(saver.key)).toBe('5');
    const { data } = (await world.ask(saver.key, '/v1/topups')).body;
    expect(data).toMatchObject([{ state: 'paid', amount: '5', paid: '5' }]);
    await conclude(world);
  });

  it('with terms under which nothing could ever be charged is refused', async () => {
    const { key } = await world.saver();
    const code = async (terms: object) => (await world.put(key, terms)).body.code;
    expect(await code({ thresholdCents: 0, amountCents: 499 })).toBe('reload_amount_out_of_range');
    expect(await code({ thresholdCents: 0, amountCents: 500, dayCapCents: 400 })).toBe('reload_cap_below_amount');
    expect((await world.ask(key, '/v1/auto-reload')).status).toBe(404);
  });
});
