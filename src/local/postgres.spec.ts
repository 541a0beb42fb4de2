import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { startElsewhere } from './crash.fixture';
import { waitUntil } from './guarded-process';
import { startPostgres, startTemporaryPostgres, type LocalPostgres } from './postgres';

// Under root this is also the case of a project below /root: PostgreSQL's own user cannot enter a 0700 directory.
const sandbox = mkdtempSync(join(tmpdir(), 'tollbridge-postgres-spec-'));
const dataDir = join(sandbox, 'postgres');
const running: LocalPostgres[] = [];

afterEach(async () => {
  for (const one of running.splice(0)) await one.stop();
});
afterAll(() => rmSync(sandbox, { recursive: true, force: true }));

async function start(): Promise<LocalPostgres> {
  const one = await startPostgres({ dataDir });
  running.push(one);
  return one;
}

async function query(url: string, sql: string): Promise<any[]> {
  const client = new Client({ connectionString: url });
  client.on('error', () => undefined); // killed under its feet
  await client.connect();
  try {
    return (await client.query({ text: sql, rowMode: 'array' })).rows;
  } finally {
    await client.end();
  }
}

const postmasterPid = () => Number(readFileSync(join(dataDir, 'cluster/postmaster.pid'), 'utf8').split('\n')[0]);

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // A killed orphan stays a zombie where nothing reaps it.
    return process.platform !== 'linux' || !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

describe('startPostgres', () => {
  it('starts PostgreSQL 18 with durable settings and keeps the data between starts', async () => {
    const first = await start();
    expect(await query(first.url, `select split_part(version(), '.', 1), current_database()`)).toEqual([
      ['PostgreSQL 18', 'tollbridge'],
    ]);
    const settings = `select string_agg(name || '=' || setting, ' ' order by name) from pg_settings where name in
      ('fsync', 'synchronous_commit', 'full_page_writes', 'max_connections', 'listen_addresses', 'server_encoding')`;
    expect(await query(first.url, settings)).toEqual([
      [
        'fsync=on full_page_writes=on listen_addresses=127.0.0.1 max_connections=200 server_encoding=UTF8 synchronous_commit=on',
      ],
    ]);
    await query(first.ownerUrl, 'create table kept as select 42 as answer');
    const pid = postmasterPid();
    await first.stop();
    expect(isAlive(pid)).toBe(false);
    await first.stop(); // harmless

    const second = await start();
    expect(await query(second.ownerUrl, 'select answer from kept')).toEqual([[42]]);
  });

  it('refuses a second start on a directory that is in use', async () => {
    const first = await start();
    await expect(startPostgres({ dataDir })).rejects.toMatchObject({ code: 'already_running' });
    expect(await query(first.url, 'select 1')).toEqual([[1]]);
  });

  it('recovers what was committed after the postmaster was killed', async () => {
    const first = await start();
    await query(first.ownerUrl, 'create table committed as select 7 as n');
    process.kill(postmasterPid(), 'SIGKILL');
    const second = await start();
    expect(await query(second.ownerUrl, 'select n from committed')).toEqual([[7]]);
  });

  it('ends an orphan whose starter crashed, even a suspended one', async () => {
    const elsewhere = await startElsewhere<LocalPostgres>('postgres', 'startPostgres', { dataDir });
    await query(elsewhere.result.ownerUrl, 'create table of_orphan as select 9 as n');
    const orphan = postmasterPid();
    process.kill(orphan, 'SIGSTOP');
    await elsewhere.crash();
    expect(isAlive(orphan)).toBe(true);

    const ours = await start();
    expect(isAlive(orphan)).toBe(false);
    expect(await query(ours.ownerUrl, 'select n from of_orphan')).toEqual([[9]]);
  });

  it('does not outlive a starter that was killed', async () => {
    const elsewhere = await startElsewhere<LocalPostgres>('postgres', 'startPostgres', { dataDir });
    const pid = postmasterPid();
    await elsewhere.crash();
    await waitUntil('the end of PostgreSQL', 10_000, () => !isAlive(pid));
    expect(existsSync(join(dataDir, 'cluster/postmaster.pid'))).toBe(false); // it shut down cleanly
  });

  it('starts where a half-made first start was interrupted', async () => {
    const fresh = join(sandbox, 'interrupted');
    mkdirSync(join(fresh, 'building', 'cluster'), { recursive: true });
    const one = await startPostgres({ dataDir: fresh });
    running.push(one);
    expect(await query(one.url, 'select 1')).toEqual([[1]]);
  });
});

describe('startTemporaryPostgres', () => {
  it('removes its directory at stop', async () => {
    const one = await startTemporaryPostgres();
    expect(await query(one.url, 'select 1')).toEqual([[1]]);
    await one.stop();
    expect(existsSync(one.dataDir)).toBe(false);
  });

  it('is gone, directory and all, after its starter was killed', async () => {
    const elsewhere = await startElsewhere<{ dataDir: string }>('postgres', 'startTemporaryPostgres', {});
    const { dataDir: temporary } = elsewhere.result;
    expect(existsSync(temporary)).toBe(true);
    await elsewhere.crash();
    await waitUntil('the clean-up', 15_000, () => !existsSync(temporary));
  });
});
