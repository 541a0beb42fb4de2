import { startAppOn } from '../support/app';
import { conclude } from '../support/card-world';
import { eventually } from '../support/program';
import { type ReloadWorld, startReloadWorld } from '../support/reload-world';

/** TC-46: thresholds that are polled for are late. Here nobody polls: the capture itself says that it crossed one. */
describe('auto-reload', () => {
  let world: ReloadWorld;

  beforeAll(async () => {
    world = await startReloadWorld({ JOBS_IN_PROCESS: 'false' });
  });
  afterAll(() => world?.stop());

  const query = (sql: string, ...parameters: unknown[]) => world.database.query<any>(sql, parameters);
  const crossings = (customerId: string) =>
    query(
      `SELECT j.state, j.xmin = p.xmin AS together FROM jobs j
         JOIN ledger_accounts a ON a.id = (j.payload ->> 'accountId')::bigint
         JOIN journal_entries e ON e.customer_id = a.customer_id AND e.kind = 'call_captured'
         JOIN postings p ON p.entry_id = e.id AND p.line = 1
        WHERE j.name = 'balance-crossed' AND a.customer_id = $1 ORDER BY e.id DESC LIMIT 1`,
      customerId,
    );

  it('is made necessary by the commit of the call that went below, and outlives its process', async () => {
    const saver = await world.saver({ cents: 2000 });
    const { customer, key } = saver;
    await world.put(key, { thresholdCents: 1000, amountCents: 1500 });
    await world.spend(customer, 1000);
    expect(await crossings(customer.id)).toEqual([]);
    await world.spend(customer, 1);
    // In one transaction with the postings: there is no moment at which one is there without the other.
    expect(await crossings(customer.id)).toEqual([{ state: 'waiting', together: true }]);
    await world.spend(customer, 100);
    expect(await query(`SELECT FROM jobs WHERE name = 'balance-crossed'`)).toHaveLength(1);
    expect(await world.attempts(key)).toEqual([]);

    // The process that took the call does no jobs, and may as well be dead: another one does them.
    const worker = await startAppOn({ url: world.app.databaseUrl }, { JOBS_IN_PROCESS: 'true' });
    try {
      await eventually('The reload', async () =>
        (await world.attempts(key))[0]?.state === 'succeeded' ? true : undefined,
      );
      expect(await world.available(key)).toBe('23.99');
      // It is watched again.
      await world.spend(customer, 1400);
      await eventually('The next reload', async () =>
        (await world.attempts(key)).filter(({ state }) => state === 'succeeded').length === 2 ? true : undefined,
      );
      expect(await world.available(key)).toBe('24.99');
      expect(await world.charges(saver)).toHaveLength(3);
      await world.settled();
      await conclude(world);
    } finally {
      await worker.stop();
    }
  });
});
