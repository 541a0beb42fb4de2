import { conclude } from '../support/card-world';
import { eventually } from '../support/program';
import { type ReloadWorld, startReloadWorld } from '../support/reload-world';

/** A charge was decided, and before it was made its reason went away. */
describe('auto-reload that is no longer wanted', () => {
  let world: ReloadWorld;

  beforeAll(async () => {
    world = await startReloadWorld();
  });
  afterAll(() => world?.stop());

  const terms = { thresholdCents: 1000, amountCents: 1000 };

  it('charges nothing once it is switched off, and charges when it is on again', async () => {
    const saver = await world.saver();
    const { key } = saver;
    // The cards of the customer cannot be asked for: the attempt stays planned.
    await world.press('faults', { kind: '500_no_retry', method: 'GET', path: '/v1/customers', times: 1000 });
    await world.put(key, terms);
    await eventually('A first try', async () => {
      const sql = `SELECT 1 FROM jobs WHERE name = 'auto-reload' AND state = 'waiting' AND last_error IS NOT NULL`;
      return (await world.database.query(sql)).length > 0 ? true : undefined;
    });
    expect(await world.attempts(key)).toMatchObject([{ state: 'planned' }]);
    await world.put(key, { ...terms, enabled: false });
    await world.press('faults/clear');
    await world.database.query(`UPDATE jobs SET run_at = now() WHERE state = 'waiting' AND name = 'auto-reload'`);
    await world.settled();
    expect(await world.attempts(key)).toMatchObject([{ state: 'failed', reason: 'not_wanted' }]);
    expect(await world.rule(key)).toMatchObject({ state: 'active', reason: null, failures: 0 });
    expect(await world.charges(saver)).toEqual([]);

    await world.put(key, terms);
    await world.settled();
    expect(await world.attempts(key)).toMatchObject([{ state: 'succeeded' }, { state: 'failed' }]);
    expect(await world.available(key)).toBe('10');
    await conclude(world);
  });
});
