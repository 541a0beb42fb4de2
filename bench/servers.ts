import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import getPort from 'get-port';
import { Client } from 'pg';
import { startPostgres } from '../src/local/postgres';
import { baseEnvironment, migrate, startAppOn, type TestApp } from '../test/support/app';

/** PostgreSQL with durable settings, the upstream and the application: each in a process of its own. */
export interface Servers {
  readonly appUrl: string;
  readonly upstreamUrl: string;
  readonly databaseUrl: string;
  /** Runs `work` with an application in this process, to seed through the product's own services. */
  withApp<Result>(work: (app: TestApp) => Promise<Result>): Promise<Result>;
  /** The settings that durability depends on. */
  settings(): Promise<Record<string, string>>;
  stop(): Promise<void>;
}

const DIST = join(__dirname, '..');

export async function startServers(env: Readonly<Record<string, string>> = {}): Promise<Servers> {
  const dataDir = await mkdtemp(join(tmpdir(), 'tollbridge-bench-'));
  const postgres = await startPostgres({ dataDir: join(dataDir, 'postgres') });
  await migrate(postgres.ownerUrl, postgres.url);
  const upstreamPort = await freePort();
  const upstream = spawn(process.execPath, [join(DIST, 'src/local/upstream/main.js'), '--port', String(upstreamPort)], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const upstreamUrl = `http://127.0.0.1:${upstreamPort}`;
  await untilAnswers(`${upstreamUrl}/health`);
  const appPort = await freePort();
  const app = spawn(
    process.execPath,
    [...profiling(), '--disable-warning=ExperimentalWarning', join(DIST, 'src/main.js')],
    {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: {
        ...process.env,
        ...baseEnvironment(postgres.url),
        NODE_ENV: 'production',
        PUBLIC_URL: `http://127.0.0.1:${appPort}`,
        ADMIN_TOKEN: 'bench-admin-token-bench',
        API_KEY_PEPPER: 'bench-pepper-bench-pepper-bench-pepper',
        UPSTREAM_URL: upstreamUrl,
        PORT: String(appPort),
        ...env,
      },
    },
  );
  const appUrl = `http://127.0.0.1:${appPort}`;
  await untilAnswers(`${appUrl}/v1/models`);
  return {
    appUrl,
    upstreamUrl,
    databaseUrl: postgres.url,
    withApp: (work) => seeding(postgres.url, work),
    settings: () => durableSettings(postgres.url),
    stop: async () => {
      await Promise.all([ended(app), ended(upstream)]);
      await postgres.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

export const freePort = (): Promise<number> => getPort();

export async function untilAnswers(url: string): Promise<void> {
  for (let attempt = 0; attempt < 300; attempt++) {
    const answered = await fetch(url).then(
      () => true,
      () => false,
    );
    if (answered) return;
    await sleep(100);
  }
  throw new Error(`${url} does not answer.`);
}

async function seeding<Result>(databaseUrl: string, work: (app: TestApp) => Promise<Result>): Promise<Result> {
  const env = { API_KEY_PEPPER: 'bench-pepper-bench-pepper-bench-pepper', JOBS_IN_PROCESS: 'false' };
  const app = await startAppOn({ url: databaseUrl }, env);
  try {
    return await work(app);
  } finally {
    await app.stop();
  }
}

async function durableSettings(url: string): Promise<Record<string, string>> {
  const client = new Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query(
    `SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'synchronous_commit', 'full_page_writes', 'server_version')`,
  );
  await client.end();
  return Object.fromEntries((rows as { name: string; setting: string }[]).map(({ name, setting }) => [name, setting]));
}

/** `BENCH_PROFILE=1` writes a .cpuprofile of the application into the working directory. */
const profiling = (): string[] => (process.env['BENCH_PROFILE'] ? ['--cpu-prof', '--cpu-prof-dir=.local/bench'] : []);

export async function ended(child: ChildProcess): Promise<void> {
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 5000);
  await exit;
  clearTimeout(timer);
}
