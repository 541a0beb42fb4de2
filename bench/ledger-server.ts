import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Client } from 'pg';
import { type LocalPostgres, startPostgres } from '../src/local/postgres';
import { baseEnvironment, migrate } from '../test/support/app';
import type { Command, Load, Measured, Message } from './ledger-work';
import { withOwner } from './owner';
import { Pgbench } from './pgbench';

/** As one would run it for either side; durability is what `startPostgres` gives. */
const TUNING: Readonly<Record<string, string>> = {
  shared_buffers: '2GB',
  max_wal_size: '4GB',
  checkpoint_timeout: '15min',
};

const SHOWN = [
  ...['server_version', 'fsync', 'synchronous_commit', 'full_page_writes', 'wal_sync_method', 'data_checksums'],
  ...Object.keys(TUNING),
];

/** The PostgreSQL that ledger and pgbench share, with durable settings, and what was started beside it. */
export class LedgerServer {
  private readonly replicas = new Set<ReplicaProcess>();
  private folder: string | undefined;
  private running: LocalPostgres | undefined;
  private pgbench: Pgbench | undefined;
  private stopping: Promise<void> | undefined;

  /** Settings that are not given at every start are written into the cluster, so it starts twice. */
  async start(): Promise<void> {
    this.folder = await mkdtemp(join(tmpdir(), 'tollbridge-bench-'));
    const dataDir = join(this.folder, 'postgres');
    this.running = await startPostgres({ dataDir });
    await this.onServer(async (owner) => {
      for (const [name, value] of Object.entries(TUNING)) await owner.query(`ALTER SYSTEM SET ${name} = '${value}'`);
    });
    await this.running.stop();
    this.running = await startPostgres({ dataDir });
  }

  /** Another database: migrated, or a copy of `template`, to which nobody may be connected. */
  async makeDatabase(name: string, template?: string): Promise<BenchDatabase> {
    await this.onServer((owner) =>
      owner.query(`CREATE DATABASE ${name} ${template === undefined ? '' : `TEMPLATE ${template}`}`),
    );
    const database = {
      url: withDatabase(this.postgres.url, name),
      ownerUrl: withDatabase(this.postgres.ownerUrl, name),
    };
    if (template === undefined) await migrate(database.ownerUrl, database.url);
    return database;
  }

  async startReplica({ url }: BenchDatabase): Promise<ReplicaProcess> {
    const replica = await ReplicaProcess.start(url, (gone) => this.replicas.delete(gone));
    this.replicas.add(replica);
    return replica;
  }

  async preparePgbench(): Promise<Pgbench> {
    await this.onServer((owner) => owner.query('CREATE DATABASE pgbench'));
    this.pgbench = new Pgbench(this.postgres.ownerUrl, this.folder as string);
    await this.pgbench.fill();
    return this.pgbench;
  }

  /** Before every round, so that none falls into one. */
  async checkpoint(): Promise<void> {
    await this.onServer((owner) => owner.query('CHECKPOINT'));
  }

  /** What autovacuum would do in the hours in which so much is written. */
  async vacuum({ ownerUrl }: BenchDatabase): Promise<void> {
    await withOwner(ownerUrl, (owner) => owner.query('VACUUM ANALYZE'));
  }

  async settings(): Promise<Record<string, string>> {
    return this.onServer(async (owner) => {
      const { rows } = await owner.query<{ name: string; setting: string }>(
        'SELECT name, current_setting(name) AS setting FROM unnest($1::text[]) AS name',
        [SHOWN],
      );
      return Object.fromEntries(rows.map(({ name, setting }) => [name, setting]));
    });
  }

  /** Ends everything that was started and removes the data. Safe to repeat. */
  stop(): Promise<void> {
    this.stopping ??= this.stopAll();
    return this.stopping;
  }

  private async stopAll(): Promise<void> {
    this.pgbench?.stop();
    await Promise.all([...this.replicas].map((replica) => replica.stop()));
    await this.running?.stop();
    if (this.folder !== undefined) await rm(this.folder, { recursive: true, force: true });
  }

  private onServer<Result>(work: (owner: Client) => Promise<Result>): Promise<Result> {
    return withOwner(this.postgres.ownerUrl, work);
  }

  private get postgres(): LocalPostgres {
    if (!this.running) throw new Error('the server does not run');
    return this.running;
  }
}

/** A database of the product. */
export interface BenchDatabase {
  /** As the application connects. */
  readonly url: string;
  readonly ownerUrl: string;
}

function withDatabase(url: string, database: string): string {
  const changed = new URL(url);
  changed.pathname = `/${database}`;
  return changed.href;
}

interface Waiting {
  resolve(answer: any): void;
  reject(error: Error): void;
  progress: ((done: number) => void) | undefined;
}

/** A replica in a process of its own, spoken to by messages. */
export class ReplicaProcess {
  private readonly waiting = new Map<number, Waiting>();
  private asked = 0;

  private constructor(private readonly child: ChildProcess) {}

  static async start(databaseUrl: string, onGone: (gone: ReplicaProcess) => void): Promise<ReplicaProcess> {
    const child = fork(join(__dirname, 'ledger-replica.js'), {
      serialization: 'advanced',
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      execArgv: [...profiling(), '--disable-warning=ExperimentalWarning'],
      env: {
        ...process.env,
        ...baseEnvironment(databaseUrl),
        NODE_ENV: 'production',
        PUBLIC_URL: 'http://127.0.0.1',
        ADMIN_TOKEN: 'bench-admin-token-bench',
        API_KEY_PEPPER: 'bench-pepper-bench-pepper-bench-pepper',
        JOBS_IN_PROCESS: 'false',
      },
    });
    const replica = new ReplicaProcess(child);
    const ready = new Promise<unknown>((resolve, reject) => {
      replica.waiting.set(0, { resolve, reject, progress: undefined });
    });
    child.on('message', (message: Message) => replica.hear(message));
    child.once('exit', (code, signal) => {
      onGone(replica);
      for (const asked of replica.waiting.values()) asked.reject(new Error(`a replica ended: ${signal ?? code}`));
    });
    await ready;
    return replica;
  }

  /** @throws Error with the replica's stack, or when it ends before it answers. */
  ask<Answer>(command: Command, progress?: (done: number) => void): Promise<Answer> {
    const id = ++this.asked;
    return new Promise<Answer>((resolve, reject) => {
      this.waiting.set(id, { resolve, reject, progress });
      this.child.send({ id, command });
    });
  }

  run(load: Load): Promise<Measured> {
    return this.ask<Measured>({ do: 'run', load });
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exit = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    const timer = setTimeout(() => this.child.kill('SIGKILL'), 3000);
    await exit;
    clearTimeout(timer);
  }

  private hear(message: Message): void {
    const waiting = this.waiting.get(message.id);
    if ('progress' in message) return waiting?.progress?.(message.progress);
    this.waiting.delete(message.id);
    if ('error' in message) waiting?.reject(new Error(message.error));
    else waiting?.resolve(message.answer);
  }
}

/** `BENCH_PROFILE=1` writes a .cpuprofile of every replica into .local/bench. */
const profiling = (): string[] => (process.env['BENCH_PROFILE'] ? ['--cpu-prof', '--cpu-prof-dir=.local/bench'] : []);
