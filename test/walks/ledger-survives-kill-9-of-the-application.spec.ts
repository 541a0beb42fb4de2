import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HoldSweeper } from '../../src/ledger/hold-sweeper.service';
import { startTestApp, type TestApp } from '../support/app';
import { until } from '../support/calls';
import { brokenInvariants } from '../support/invariants';
import { missing, startLoad, toldIn } from '../support/ledger-crash';
import { customerWith } from '../support/world';
import { DatabaseService } from '../../src/database/database.service';

/** The acceptance of the ledger asks for 200; that takes a quarter of an hour. */
const KILLS = Number(process.env['LEDGER_KILLS'] ?? 5);
jest.setTimeout(60_000 + KILLS * 20_000);

/** An application that dies at any moment: who was told something finds it on the books, and nothing is half done. */
describe(`a ledger whose application is killed ${KILLS} times under load`, () => {
  let app: TestApp;
  const directory = mkdtempSync(join(tmpdir(), 'tollbridge-kill-'));

  beforeAll(async () => {
    app = await startTestApp({ JOBS_IN_PROCESS: 'false' });
  });
  afterAll(async () => {
    await app?.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  const ask = (sql: string, parameters?: unknown[]) => app.app.get(DatabaseService).query<any>(sql, parameters);
  /** Three replicas' worth of sweepers at once. Returns how many holds they say to have given back. */
  const sweep = async (): Promise<number> => {
    const sweeper = app.app.get(HoldSweeper, { strict: false });
    const returned = await Promise.all([sweeper.sweep(), sweeper.sweep(), sweeper.sweep()]);
    return returned.reduce((sum, count) => sum + count, 0);
  };

  it('keeps what was acknowledged, nothing half, and gives holds back once', async () => {
    const customers = [];
    for (let n = 0; n < 20; n++) customers.push((await customerWith(app, 1_000_000_000n)).customerId);
    let acknowledged = 0;
    let returned = 0;
    for (let life = 1; life <= KILLS; life++) {
      const file = join(directory, `${life}.told`);
      const plan = { databaseUrl: app.databaseUrl, file, customers, callers: 32, holdSeconds: 1 };
      const load = await startLoad(plan);
      const from = Math.random() * 600;
      await until(
        () => toldIn(file).length,
        (count) => count > from,
      );
      await load.kill9();
      returned += await sweep();
      const told = toldIn(file);
      expect(told.filter(({ op }) => op === 'error')).toEqual([]);
      expect(await missing(ask, told)).toEqual([]);
      expect(await brokenInvariants(ask)).toEqual([]);
      acknowledged += told.length;
      rmSync(file);
    }
    await until(
      async () => {
        const swept = await sweep();
        returned += swept;
        const [open] = await ask(`SELECT count(*)::integer AS count FROM holds WHERE state = 'open'`);
        return open.count;
      },
      (open) => open === 0,
    );
    const [expired] = await ask(`SELECT count(*)::integer AS count FROM holds WHERE state = 'expired'`);
    expect({ returned }).toEqual({ returned: expired.count });
    expect(expired.count).toBeGreaterThan(0);
    expect(await brokenInvariants(ask)).toEqual([]);
    if (process.env['LEDGER_KILLS'])
      console.log(`${KILLS} kills, ${acknowledged} acknowledged, ${returned} holds returned`);
  });
});
