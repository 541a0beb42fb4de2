import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants, readdirSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { Latencies } from './latencies';
import { withOwner } from './owner';
import type { Measured } from './ledger-work';

const DATABASE = 'pgbench';
const SCALE = 50;

/** PostgreSQL's own benchmark on the server that the ledger is measured on, in a database of its own. */
export class Pgbench {
  private readonly program = findPgbench();
  private readonly serverUrl: URL;
  private running: ChildProcess | undefined;

  /** @param folder For its logs; an existing directory. */
  constructor(
    serverUrl: string,
    private readonly folder: string,
  ) {
    this.serverUrl = new URL(serverUrl);
    this.serverUrl.pathname = `/${DATABASE}`;
  }

  async fill(): Promise<void> {
    await this.run(['--initialize', '--quiet', `--scale=${SCALE}`]);
  }

  /**
   * Locks one row of every page. The first change of a page after a checkpoint writes all of it to the log: in a long
   * run pgbench pays that in its first minute, in runs of seconds it would pay little else.
   */
  async touchPages(): Promise<void> {
    await withOwner(this.serverUrl.href, (owner) =>
      owner.query('SELECT count(*) FROM (SELECT FROM pgbench_accounts WHERE aid % 61 = 1 FOR UPDATE) AS one_of_a_page'),
    );
  }

  async measure(clients: number, seconds: number): Promise<Measured> {
    const log = join(this.folder, 'pgbench-log');
    const args = ['--protocol=prepared', `--client=${clients}`, `--jobs=${Math.min(clients, 2)}`, `--time=${seconds}`];
    const output = await this.run([...args, '--log', `--log-prefix=${log}`]);
    const tps = Number(/^tps = ([\d.]+)/m.exec(output)?.[1]);
    const done = Number(/actually processed: (\d+)/.exec(output)?.[1]);
    const errors = Number(/failed transactions: (\d+)/.exec(output)?.[1] ?? 0);
    if (!(tps > 0)) throw new Error(`pgbench did not tell a rate:\n${output}`);
    const { counts } = await this.readLatencies();
    return { done, elapsedMs: (done / tps) * 1000, latencies: counts, perSecond: [], errors, firstError: undefined };
  }

  stop(): void {
    this.running?.kill('SIGKILL');
  }

  /** One line per transaction; its third column is the time it took in microseconds. */
  private async readLatencies(): Promise<Latencies> {
    const latencies = new Latencies();
    for (const name of readdirSync(this.folder).filter((file) => file.startsWith('pgbench-log.'))) {
      const lines = (await readFile(join(this.folder, name), 'utf8')).trimEnd().split('\n');
      for (const line of lines) latencies.record(Number(line.split(' ')[2]) / 1000);
      await rm(join(this.folder, name));
    }
    return latencies;
  }

  private async run(args: readonly string[]): Promise<string> {
    const { hostname, port, username, password } = this.serverUrl;
    const child = spawn(this.program, [...args, '-h', hostname, '-p', port, '-U', username, DATABASE], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env['PATH'], PGPASSWORD: password, LC_ALL: 'C' },
    });
    this.running = child;
    const status = new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve));
    const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr)]);
    if ((await status) !== 0) throw new Error(`pgbench failed:\n${errors}`);
    return output;
  }
}

/** @throws Error that says what to install. */
export function findPgbench(): string {
  const path = (process.env['PATH'] ?? '').split(':').filter((folder) => folder !== '');
  const program = [...path, ...debianFolders(), '/usr/bin'].map((folder) => join(folder, 'pgbench')).find(isProgram);
  if (program !== undefined) return program;
  throw new Error(
    'pgbench is not installed; the ledger is measured beside it. ' +
      'Debian, Ubuntu: apt-get install postgresql. macOS: brew install postgresql@18.',
  );
}

function debianFolders(): string[] {
  const root = '/usr/lib/postgresql';
  try {
    return readdirSync(root)
      .toSorted((a, b) => Number(b) - Number(a))
      .map((version) => join(root, version, 'bin'));
  } catch {
    return [];
  }
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
