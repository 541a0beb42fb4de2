import { conclude } from '../support/card-world';
import { type ReloadWorld, startReloadWorld } from '../support/reload-world';

/** TC-45: a reload that stops without a word because of a bound. */
describe('auto-reload under a cap', () => {
  let world: ReloadWorld;

  beforeAll(async () => {
    world = await startReloadWorld();
  });
  afterAll(() => world?.stop());

  /** As if everything had happened some days before. */
  const days = (key: string, count: number) =>
    world.database.query(
      `WITH moved AS (UPDATE auto_reload_attempts SET created_at = created_at - $1 * interval '1 day')
       UPDATE auto_reload_rules SET next_try_at = next_try_at - $1 * interval '1 day'`,
      [count],
    );

  it('charges what the cap leaves, then stops, says so once, and goes on the next day', async () => {
    const { customer, key } = await world.saver();
    await world.put(key, { thresholdCents: 2000, amountCents: 1000, dayCapCents: 2700 });
    await world.settled();
    expect(await world.available(key)).toBe('20');
    await world.spend(customer, 1500);
    await world.wake();
    // $15 are missing, a multiple of $10 would be $20, and $7 are left of the day's $27.
    expect((await world.attempts(key)).map(({ amount }) => amount)).toEqual(['7', '20']);
    expect(await world.available(key)).toBe('12');
    expect(await world.rule(key)).toMatchObject({ state: 'active', reason: 'cap_reached' });
    await world.wake();
    await world.wake();
    const told = (await world.ask(key, '/v1/notifications')).body.data.filter(
      ({ kind }: { kind: string }) => kind === 'reload_cap_reached',
    );
    expect(told).toMatchObject([{ data: { period: 'day', cap: '27', charged: '27', balance: '12' } }]);
    expect(new Date(told[0].data.resetsAt).getTime()).toBe(new Date().setUTCHours(24, 0, 0, 0));
    expect(await world.attempts(key)).toHaveLength(2);

    await days(key, 1);
    await world.wake();
    expect((await world.attempts(key))[0]).toMatchObject({ amount: '10', state: 'succeeded' });
    expect(await world.rule(key)).toMatchObject({ reason: null, nextTryAt: null });
    await conclude(world);
  });

  it('goes on at once when the cap is raised', async () => {
    const { customer, key } = await world.saver();
    const terms = { thresholdCents: 1000, amountCents: 1000 };
    await world.put(key, { ...terms, monthCapCents: 1000 });
    await world.settled();
    await world.spend(customer, 1000);
    await world.wake();
    expect(await world.rule(key)).toMatchObject({ reason: 'cap_reached' });
    expect(await world.told(key)).toEqual(['reload_succeeded', 'reload_cap_reached']);
    await world.put(key, { ...terms, monthCapCents: 2000 });
    await world.settled();
    expect(await world.available(key)).toBe('10');
    expect(await world.rule(key)).toMatchObject({ reason: null, monthCap: '20' });
    await conclude(world);
  });
});
