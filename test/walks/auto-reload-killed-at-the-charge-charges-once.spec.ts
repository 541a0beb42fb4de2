import { conclude, startMortalReplica } from '../support/card-world';
import { eventually } from '../support/program';
import { type ReloadWorld, startReloadWorld } from '../support/reload-world';

/** The process that charges the card is killed while Stripe works: another one finds out, and charges nothing. */
describe('auto-reload by a process that is killed', () => {
  let world: ReloadWorld;

  beforeAll(async () => {
    world = await startReloadWorld({ JOBS_IN_PROCESS: 'false' });
  });
  afterAll(() => world?.stop());

  it('is charged once', async () => {
    const saver = await world.saver();
    await world.press('webhooks', { paused: true });
    const path = '/v1/payment_intents';
    await world.press('faults', { kind: 'latency', latencyMs: 4000, method: 'POST', path, times: 1 });
    await world.put(saver.key, { thresholdCents: 1000, amountCents: 1000 });
    const doomed = await startMortalReplica(world);
    await eventually('The card chosen', async () =>
      (await world.attempts(saver.key))[0]?.state === 'charging' ? true : undefined,
    );
    await eventually('The request at Stripe', async () =>
      (await world.press('faults/list')).data.length === 0 ? true : undefined,
    );
    await doomed.crash();
    await eventually('The charge', async () => ((await world.charges(saver)).length > 0 ? true : undefined));
    expect(await world.attempts(saver.key)).toMatchObject([{ state: 'charging', paymentIntentId: null }]);
    expect(await world.available(saver.key)).toBe('0');
    // The lease of who died ends.
    await world.database.query(`UPDATE jobs SET run_at = now() WHERE finished_at IS NULL`);
    const heir = await startMortalReplica(world);
    try {
      await eventually('The end', async () =>
        (await world.attempts(saver.key))[0]?.state === 'succeeded' ? true : undefined,
      );
      expect(await world.charges(saver)).toEqual([{ amount: 1000, status: 'succeeded' }]);
      expect(await world.available(saver.key)).toBe('10');
      await conclude(world);
    } finally {
      await heir.crash();
    }
  });
});
