import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LocalPostgres, startPostgres } from '../../src/local/postgres';
import { migrate, startAppOn, type TestApp } from '../support/app';
import { until } from '../support/calls';
import { brokenInvariants } from '../support/invariants';
import { type Load, missing, startLoad, toldIn } from '../support/ledger-crash';
import { openWriter } from '../support/ledger-writers';
import { openRoad, type Road } from '../support/database-road';
import { customerWith } from '../support/world';

const KILLS = Number(process.env['LEDGER_KILLS'] ?? 3);
jest.setTimeout(60_000 + KILLS * 20_000);

/** A PostgreSQL that dies with all its processes, with its settings durable: the application stays and goes on. */
describe(`a ledger whose PostgreSQL is killed ${KILLS} times under load`, () => {
  const directory = mkdtempSync(join(tmpdir(), 'tollbridge-kill-pg-'));
  const dataDir = join(directory, 'postgres');
  const file = join(directory, 'told');
  let postgres: LocalPostgres;
  let road: Road;
  let load: Load | undefined;

  beforeAll(async () => {
    postgres = await startPostgres({ dataDir });
    await migrate(postgres.ownerUrl, postgres.url);
    road = await openRoad(postgres.url);
  });
  afterAll(async () => {
    await load?.kill9();
    await road?.stop();
    await postgres?.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  const killAll = async () => {
    const master = Number(readFileSync(join(dataDir, 'cluster', 'postmaster.pid'), 'utf8').split('\n')[0]);
    const all = execFileSync('ps', ['-eo', 'pid=,ppid='], { encoding: 'utf8' }).trim().split('\n');
    const pairs = all.map((line) => line.trim().split(/\s+/).map(Number));
    const children = pairs.filter(([, parent]) => parent === master).map(([pid]) => pid as number);
    for (const pid of [master, ...children]) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It ended by itself in between.
      }
    }
  };
  const answered = () => toldIn(file).filter(({ op }) => op !== 'error').length;
  const grownBy = (count: number) => {
    const before = answered();
    return until(answered, (now) => now > before + count);
  };

  it('keeps what was acknowledged; callers hear of an outage and nothing else, and the same keys go through after it', async () => {
    const customers: string[] = [];
    const seeding: TestApp = await startAppOn(postgres, { JOBS_IN_PROCESS: 'false' });
    for (let n = 0; n < 20; n++) customers.push((await customerWith(seeding, 1_000_000_000n)).customerId);
    await seeding.stop();
    load = await startLoad({ databaseUrl: road.url, file, customers, callers: 32, holdSeconds: 600 });
    for (let kill = 1; kill <= KILLS; kill++) {
      await grownBy(100 + Math.random() * 500);
      await killAll();
      postgres = await startPostgres({ dataDir });
      road.leadTo(postgres.url);
      // Nobody has told the application that it is back.
      await grownBy(200);
    }
    expect(await load.finish()).toBe(0);
    load = undefined;
    const told = toldIn(file);
    const errors = told.filter(({ op }) => op === 'error');
    expect(errors.length).toBeGreaterThan(0);
    expect(new Set(errors.map(({ verdict }) => verdict))).toEqual(new Set(['ledger_unavailable']));
    expect(told.filter(({ verdict }) => verdict === 'insufficient' || verdict === 'key_conflict')).toEqual([]);

    const { database, stop } = await openWriter(postgres.url);
    const ask = (sql: string, parameters?: unknown[]) => database.query<any>(sql, parameters);
    expect(await missing(ask, told)).toEqual([]);
    expect(await brokenInvariants(ask)).toEqual([]);
    await stop();
    if (process.env['LEDGER_KILLS']) {
      const replayed = told.filter(({ verdict }) => verdict === 'replayed').length;
      console.log(`${KILLS} kills, ${answered()} acknowledged (${replayed} replayed), ${errors.length} outages told`);
    }
  });
});
