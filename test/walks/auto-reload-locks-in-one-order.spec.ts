import { BalanceWatch } from '../../src/credits/balance-watch.service';
import type { Tx } from '../../src/database/tx';
import { JobsService } from '../../src/jobs/jobs.service';
import { conclude } from '../support/card-world';
import { eventually } from '../support/program';
import { type ReloadWorld, startReloadWorld } from '../support/reload-world';

/**
 * The job that tells of a crossing has the balance, and wants the rule. Whoever has the rule and wants the balance
 * would wait for it, and it for them, until PostgreSQL ends one of both.
 */
describe('auto-reload', () => {
  let world: ReloadWorld;

  beforeAll(async () => {
    world = await startReloadWorld();
  });
  afterAll(() => world?.stop());

  const terms = { thresholdCents: 1000, amountCents: 1000 };

  /** Does `work` while the balance is locked as by that job, and looks whether the rule is free for it. */
  async function whileBalanceIsLocked<Result>(customerId: string, work: () => Promise<Result>): Promise<Result> {
    let worked: Promise<Result> | undefined;
    await world.database.transaction(async (tx) => {
      await world.app.app.get(BalanceWatch, { strict: false }).lock(tx, customerId);
      worked = work();
      await somebodyWaitsFor(tx);
      expect(
        await tx.query('SELECT 1 FROM auto_reload_rules WHERE customer_id = $1 FOR UPDATE SKIP LOCKED', [customerId]),
      ).toHaveLength(1);
    });
    return worked as Promise<Result>;
  }
  const somebodyWaitsFor = (tx: Tx) =>
    eventually('Somebody who waits', async () => {
      const sql = 'SELECT 1 FROM pg_stat_activity WHERE pg_backend_pid() = ANY (pg_blocking_pids(pid))';
      return (await tx.query(sql)).length > 0 ? true : undefined;
    });

  it('changes its terms with the balance first', async () => {
    const { customer, key } = await world.saver({ cents: 2000 });
    await world.put(key, terms);
    const { status, body } = await whileBalanceIsLocked(customer.id, () =>
      world.put(key, { ...terms, thresholdCents: 1500 }),
    );
    expect([status, body.threshold]).toEqual([200, '15']);
    await conclude(world);
  });

  it('books what was charged with the balance first', async () => {
    const { customer, key } = await world.saver({ cents: 500 });
    await world.put(key, { ...terms, enabled: false });
    await world.database.query('UPDATE auto_reload_rules SET enabled = true WHERE customer_id = $1', [customer.id]);
    await whileBalanceIsLocked(customer.id, () =>
      world.app.app.get(JobsService, { strict: false }).runNow('auto-reload-due'),
    );
    await world.settled();
    expect(await world.attempts(key)).toMatchObject([{ state: 'succeeded' }]);
    expect(await world.available(key)).toBe('15');
    await conclude(world);
  });
});
