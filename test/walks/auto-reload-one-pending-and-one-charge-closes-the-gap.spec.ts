import { usd } from '../../src/common/money';
import { CreditLimits } from '../../src/credits/credit-limits.service';
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

  it('of a customer with a credit limit keeps its own money at the threshold: the limit is for when no card pays', async () => {
    const saver = await world.saver({ cents: 1500 });
    const { customer, key, card } = saver;
    await world.app.app.get(CreditLimits, { strict: false }).set(customer.id, usd(20_000_000_000n));
    await world.put(key, { thresholdCents: 1000, amountCents: 1000 });
    const balance = async () => (await world.ask(key, '/v1/balance')).body;
    expect(await balance()).toMatchObject({ posted: '15', available: '35', creditLimit: '20' });
    // There are $27 to use, of which $20 would be owed.
    await world.spend(customer, 800);
    await world.settled();
    expect(await balance()).toMatchObject({ posted: '17', available: '37', owed: '0' });

    await world.press(`payment_methods/${card}/become`, { card: '4000000000009995' });
    await world.spend(customer, 2900);
    await world.settled();
    expect(await balance()).toMatchObject({ posted: '-12', available: '8', owed: '12', frozen: false });
    expect(await world.attempts(key)).toMatchObject([{ state: 'failed', amount: '30' }, { state: 'succeeded' }]);

    await world.press(`payment_methods/${card}/become`, { card: '4242424242424242' });
    await world.ask(key, '/v1/auto-reload/resume', {});
    await world.settled();
    // What was owed and the threshold, in one charge.
    expect((await world.charges(saver)).map(({ amount, status }) => [amount, status])).toEqual([
      [3000, 'succeeded'],
      [3000, 'requires_payment_method'],
      [1000, 'succeeded'],
      [1500, 'succeeded'],
    ]);
    expect(await balance()).toMatchObject({ posted: '18', available: '38', owed: '0' });
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
