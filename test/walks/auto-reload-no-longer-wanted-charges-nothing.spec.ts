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

  it.each([
    ['reset_before', 'not_wanted', 0],
    ['reset_after', null, 1],
  ])(
    'and was asked of Stripe already (%s) is only looked for once it is switched off',
    async (kind, reason, charges) => {
      const saver = await world.saver();
      const { key } = saver;
      await world.press('webhooks', { paused: true });
      await world.press('faults', { kind, method: 'POST', path: '/v1/payment_intents', times: 1000 });
      await world.put(key, terms);
      await eventually('Doubt', async () => ((await world.attempts(key))[0]?.state === 'in_doubt' ? true : undefined));
      await world.put(key, { ...terms, enabled: false });
      const page = (await world.ask(key, '/v1/billing-links', {})).body.url;
      const text = await (await fetch(`${world.app.url}${new URL(page).pathname}`)).text();
      expect([text.includes('A charge is still open'), text.includes('Nothing is charged')]).toEqual([true, false]);
      await world.press('faults/clear');
      const [ended] = await eventually('The end', async () => {
        await world.database.query(`UPDATE jobs SET run_at = now() WHERE state = 'waiting' AND name = 'auto-reload'`);
        const attempts = await world.attempts(key);
        return ['succeeded', 'failed'].includes(attempts[0]?.state) ? attempts : undefined;
      });
      expect(ended).toMatchObject({ state: charges === 1 ? 'succeeded' : 'failed', reason });
      expect(await world.charges(saver)).toHaveLength(charges);
      expect(await world.rule(key)).toMatchObject({ state: 'active', failures: 0 });
      await world.press('webhooks', { paused: false });
      await world.settled();
      await conclude(world);
    },
  );
});
