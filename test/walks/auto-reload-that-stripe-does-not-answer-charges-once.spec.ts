import { ReloadAttempts } from '../../src/topups/reload/reload-attempts.service';
import { conclude } from '../support/card-world';
import { eventually } from '../support/program';
import { type ReloadWorld, startReloadWorld } from '../support/reload-world';

/** An outcome that nobody knows is a state, and found out: never a second charge. */
describe('auto-reload whose answer is lost', () => {
  let world: ReloadWorld;

  beforeAll(async () => {
    world = await startReloadWorld();
  });
  afterAll(() => world?.stop());

  const terms = { thresholdCents: 1000, amountCents: 1000 };
  const query = (sql: string, ...parameters: unknown[]) => world.database.query<any>(sql, parameters);
  const failsFor = (kind: string) =>
    world.press('faults', { kind, method: 'POST', path: '/v1/payment_intents', times: 1000 });
  /** The first time that it was asked has failed, and it is shown as what it is. */
  const inDoubt = (key: string) =>
    eventually('Doubt', async () => {
      const [attempt] = await world.attempts(key);
      return attempt?.state === 'in_doubt' ? attempt : undefined;
    });
  const makeDue = () => query(`UPDATE jobs SET run_at = now() WHERE state = 'waiting' AND name = 'auto-reload'`);

  afterEach(async () => {
    await world.press('faults/clear');
    await world.press('webhooks', { paused: false });
    await world.settled();
  });

  it.each(['reset_after', '500_after'])('after the card was charged (%s) is charged once', async (kind) => {
    const saver = await world.saver();
    await world.press('webhooks', { paused: true });
    await failsFor(kind);
    await world.put(saver.key, terms);
    expect(await inDoubt(saver.key)).toMatchObject({ reason: 'processor_unreachable' });
    expect(await world.charges(saver)).toEqual([{ amount: 1000, status: 'succeeded' }]);
    await world.press('faults/clear');
    await eventually('The end', async () => {
      await makeDue();
      return (await world.attempts(saver.key))[0]?.state === 'succeeded' ? true : undefined;
    });
    expect(await world.charges(saver)).toHaveLength(1);
    expect(await world.available(saver.key)).toBe('10');
    await conclude(world);
  });

  it('is found by its event, and the job finds it done', async () => {
    const saver = await world.saver();
    await failsFor('reset_after');
    await world.put(saver.key, terms);
    await world.delivered();
    await eventually('The end', async () =>
      (await world.attempts(saver.key))[0]?.state === 'succeeded' ? true : undefined,
    );
    await world.press('faults/clear');
    await makeDue();
    await world.settled();
    // A job that waited for its answer all the time, and only now gives up.
    const [attempt] = await world.attempts(saver.key);
    await world.app.app
      .get(ReloadAttempts, { strict: false })
      .doubt(world.database, attempt?.id, 'processor_unreachable');
    expect(await world.attempts(saver.key)).toMatchObject([{ state: 'succeeded', reason: null }]);
    expect(await world.charges(saver)).toHaveLength(1);
    expect(await world.available(saver.key)).toBe('10');
    await conclude(world);
  });

  it('after a day is searched for, because the key may be forgotten', async () => {
    const [charged, never] = [await world.saver(), await world.saver()];
    await world.press('webhooks', { paused: true });
    await failsFor('reset_after');
    await world.put(charged.key, terms);
    await inDoubt(charged.key);
    await world.press('faults/clear');
    await failsFor('reset_before');
    await world.put(never.key, terms);
    await inDoubt(never.key);
    await world.press('faults/clear');
    const madeBefore = (hours: number) =>
      query(
        `UPDATE auto_reload_attempts SET created_at = now() - make_interval(hours => $1) WHERE state = 'in_doubt'`,
        hours,
      );
    await madeBefore(21);
    await eventually('A look', async () => {
      await makeDue();
      const [job] = await query(
        `SELECT last_error FROM jobs WHERE id = $1`,
        `auto-reload:${(await world.attempts(never.key))[0]?.id}`,
      );
      return job?.last_error?.includes('may still arrive') ? true : undefined;
    });
    expect(await world.attempts(never.key)).toMatchObject([{ state: 'in_doubt' }]);
    expect(await world.charges(never)).toEqual([]);
    await madeBefore(25);
    await eventually('The end', async () => {
      await makeDue();
      const states = [...(await world.attempts(charged.key)), ...(await world.attempts(never.key))].map((a) => a.state);
      return states.join() === 'succeeded,failed' ? true : undefined;
    });
    expect(await world.charges(charged)).toHaveLength(1);
    expect(await world.charges(never)).toEqual([]);
    expect(await world.attempts(never.key)).toMatchObject([{ reason: 'never_reached' }]);
    expect(await world.rule(never.key)).toMatchObject({ state: 'active', reason: 'never_reached', failures: 1 });
    await conclude(world);
  });
});
