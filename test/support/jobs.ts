import { fork } from 'node:child_process';
import { join } from 'node:path';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { createApplication } from '../../src/application';
import { DatabaseService } from '../../src/database/database.service';
import { JOBS_CHANNEL } from '../../src/jobs/job-store.service';
import { JobsService } from '../../src/jobs/jobs.service';
import { baseEnvironment, startAppOn, type TestApp } from './app';
import { addTestHandlers, type Story } from './job-handlers';
import { startMigratedPostgres } from './migrated-postgres';
import { asOwner } from './owner';
import { eventually } from './program';

/** The server, which only enqueues here, and what workers left behind. */
export interface JobWorld extends TestApp {
  enqueue(id: string, story?: Story, afterSeconds?: number): Promise<void>;
  /** Rows of `jobs`, by id. */
  jobs(): Promise<Record<string, { state: string; attempts: number; last_error: string | null }>>;
  /** How often each job took effect. */
  effects(): Promise<Record<string, number>>;
  /** Ids of jobs in the order in which attempts began. */
  begun(): Promise<{ id: string; attempt: number; pid: number }[]>;
  query(sql: string, parameters?: unknown[]): Promise<any[]>;
  /** As time does, in a quarter of a minute: what the dead had in their hands, or a Redis that is lost, is due. */
  overdue(state: 'running' | 'queued'): Promise<void>;
  /** Waits until nothing is left to be done. */
  settled(timeoutMs?: number): Promise<void>;
}

export async function startJobWorld(env: Record<string, string> = {}): Promise<JobWorld> {
  const postgres = await startMigratedPostgres();
  await asOwner(
    postgres,
    'CREATE SCHEMA story',
    'CREATE TABLE story.begun (id text, attempt integer, pid integer, n serial)',
    'CREATE TABLE story.effects (id text, attempt integer, pid integer)',
    'CREATE TABLE story.ticks (began timestamptz, ended timestamptz, replica integer)',
    'CREATE TABLE story.healed (healed boolean)',
    'GRANT USAGE ON SCHEMA story TO PUBLIC',
    'GRANT ALL ON ALL TABLES IN SCHEMA story TO PUBLIC',
    'GRANT ALL ON ALL SEQUENCES IN SCHEMA story TO PUBLIC',
  );
  const started = await startAppOn(postgres, { JOBS_IN_PROCESS: 'false', ...env });
  const { app } = started;
  const [jobs, database] = [app.get(JobsService), app.get(DatabaseService)];
  addTestHandlers(jobs, database);
  const query = (sql: string, parameters: unknown[] = []) => database.query<any>(sql, parameters);
  return {
    ...started,
    query,
    enqueue: (id, story = {}, afterSeconds = 0) =>
      database.transaction((tx) => jobs.enqueue(tx, { name: 'effect', id, payload: story, afterSeconds })),
    jobs: async () =>
      Object.fromEntries(
        (await query('SELECT * FROM jobs')).map(({ id, state, attempts, last_error }) => [
          id,
          { state, attempts, last_error },
        ]),
      ),
    effects: async () =>
      Object.fromEntries(
        (await query('SELECT id, count(*)::integer FROM story.effects GROUP BY id')).map(({ id, count }) => [
          id,
          count,
        ]),
      ),
    begun: () => query('SELECT id, attempt, pid FROM story.begun ORDER BY n'),
    overdue: async (state) => {
      await query('UPDATE jobs SET run_at = now() WHERE state = $1', [state]);
      await query('SELECT pg_notify($1, $2)', [JOBS_CHANNEL, '']);
    },
    settled: async (timeoutMs = 90_000) => {
      await eventually(
        'The end of all jobs',
        async () => {
          const [{ count }] = await query('SELECT count(*)::integer FROM jobs WHERE finished_at IS NULL');
          return count === 0 ? true : undefined;
        },
        undefined,
        timeoutMs,
      );
    },
    stop: async () => {
      await started.stop();
      await postgres.stop();
    },
  };
}

/** A replica that runs jobs in this process; `prepare` comes before it boots. */
export async function startJobReplica(
  { databaseUrl }: Pick<TestApp, 'databaseUrl'>,
  prepare: (app: NestFastifyApplication) => void,
  env: Record<string, string> = {},
): Promise<{ app: NestFastifyApplication; stop(): Promise<void> }> {
  Object.assign(process.env, baseEnvironment(databaseUrl), { JOBS_IN_PROCESS: 'true' }, env);
  const app = await createApplication(process.env['TEST_LOG'] ? undefined : false);
  prepare(app);
  try {
    await app.init();
  } catch (error) {
    await app.close();
    throw error;
  }
  return { app, stop: () => app.close() };
}

/** `tollbridge worker` as an operating system's process, with the handlers of the tests. */
export interface Worker {
  readonly pid: number;
  output(): string;
  signal(signal: NodeJS.Signals): void;
  /** Ends it without a goodbye. Resolves when it is gone. */
  kill9(): Promise<void>;
  /** Asks it to end, and resolves to its exit code when it has. */
  terminate(): Promise<number | null>;
}

/** Resolves when it runs jobs. */
export async function startWorker(
  { databaseUrl }: Pick<TestApp, 'databaseUrl'>,
  env: Record<string, string> = {},
): Promise<Worker> {
  const child = fork(join(__dirname, 'job-worker.cjs'), {
    execArgv: ['--disable-warning=ExperimentalWarning'],
    env: { PATH: process.env['PATH'] ?? '', NO_COLOR: '1', ...baseEnvironment(databaseUrl), ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => (said += chunk.toString()));
  let isGone = false;
  const gone = new Promise<number | null>((resolve) => {
    child.once('exit', (code) => {
      isGone = true;
      resolve(code);
    });
  });
  const worker: Worker = {
    pid: child.pid as number,
    output: () => said,
    signal: (signal) => void child.kill(signal),
    kill9: async () => {
      child.kill('SIGKILL');
      await gone;
    },
    terminate: () => {
      child.kill('SIGTERM');
      return gone;
    },
  };
  await eventually(
    'A worker',
    () => {
      if (isGone) throw new Error(`The worker ended:\n${said}`);
      return said.includes('Running jobs') ? true : undefined;
    },
    () => worker.output(),
  );
  return worker;
}
