import { JobsService } from '../../src/jobs/jobs.service';
import { startAppOn, type TestApp } from '../support/app';
import { conclude } from '../support/card-world';
import { type ReloadWorld, startReloadWorld } from '../support/reload-world';

/** A payment without a page cannot be taxed: rules that were set before the operator adds tax must not stop in silence. */
describe('auto-reload where tax is added', () => {
  let world: ReloadWorld;
  let taxing: TestApp | undefined;

  beforeAll(async () => {
    world = await startReloadWorld({ JOBS_IN_PROCESS: 'false' });
  });
  afterAll(async () => {
    await taxing?.stop();
    await world?.stop();
  });

  it('says so at once, and charges again when it is not added any more', async () => {
    const saver = await world.saver({ cents: 2000 });
    const { customer, key } = saver;
    await world.put(key, { thresholdCents: 1000, amountCents: 1000 });
    expect(await world.rule(key)).toMatchObject({ state: 'active', reason: null });

    const replica = await startAppOn({ url: world.app.databaseUrl }, { STRIPE_TAX: 'true' });
    taxing = replica;
    const wake = () => replica.app.get(JobsService, { strict: false }).runNow('auto-reload-due');
    const shown = async () => {
      const answer = await fetch(`${replica.url}/v1/auto-reload`, { headers: { authorization: `Bearer ${key}` } });
      return answer.json();
    };
    // Its balance is not low yet.
    await wake();
    await wake();
    expect(await world.told(key)).toEqual(['reload_unavailable']);
    expect(await shown()).toMatchObject({ enabled: true, reason: 'tax_is_added' });
    await world.spend(customer, 1500);
    await wake();
    expect(await world.attempts(key)).toEqual([]);

    await replica.stop();
    taxing = await startAppOn({ url: world.app.databaseUrl }, { STRIPE_TAX: 'false', JOBS_IN_PROCESS: 'true' });
    await taxing.app.get(JobsService, { strict: false }).runNow('auto-reload-due');
    await world.settled();
    expect(await world.attempts(key)).toMatchObject([{ state: 'succeeded' }]);
    expect(await world.rule(key)).toMatchObject({ reason: null });
    expect(await world.charges(saver)).toHaveLength(2);
    await conclude(world);
  });
});
