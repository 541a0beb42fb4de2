import { chmodSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { findFreePort, GuardedProcess, waitUntil } from './guarded-process';
import { clearLeftovers } from './leftovers';
import { LocalProcessError } from './local-process.error';
import { copyCluster, openCluster, POSTGRES_ENV, type PostgresCluster } from './postgres-cluster';
import { ensureDatabaseAndRoles } from './postgres-roles';
import { temporaryPlace } from './temporary-place';

const READY_TIMEOUT_MS = 60_000; // recovery after a crash replays the log first

export interface LocalPostgres {
  /** For the application: a role that owns nothing, and database `tollbridge` on 127.0.0.1. */
  readonly url: string;
  /** For migrations, and for whoever may do everything: superuser `tollbridge`, who owns every object. */
  readonly ownerUrl: string;
  readonly port: number;
  /** Fast shutdown: open transactions are rolled back, connections closed, no process stays. */
  stop(): Promise<void>;
}

export interface PostgresOptions {
  /** Created when missing; everything PostgreSQL keeps is in here. */
  readonly dataDir: string;
  readonly log?: ((line: string) => void) | undefined;
  /** The data directory of a server that is not running: a new `dataDir` begins as its copy, and not empty. */
  readonly copyOf?: string | undefined;
}

/**
 * PostgreSQL 18 on a free port of 127.0.0.1, with its data in `dataDir` between starts. Orphans of a crashed run on
 * the same directory are shut down first.
 *
 * @throws LocalProcessError `package_missing`, `already_running`, `did_not_start`, ...
 */
export function startPostgres(options: PostgresOptions): Promise<LocalPostgres> {
  return start(options, { fsync: 'on', synchronous_commit: 'on', full_page_writes: 'on' }, 'kept');
}

/** A database for a test, empty or a copy; quick because it promises nothing after a power cut; removed by `stop()`. */
export async function startTemporaryPostgres(
  options: Omit<PostgresOptions, 'dataDir'> = {},
): Promise<LocalPostgres & { readonly dataDir: string }> {
  const dataDir = mkdtempSync(join(temporaryPlace(), 'tollbridge-test-pg-'));
  chmodSync(dataDir, 0o755); // PostgreSQL runs as another user when we are root
  const remove = () => rmSync(dataDir, { recursive: true, force: true });
  try {
    const running = await start(
      { ...options, dataDir },
      { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' },
      'temporary',
    );
    return { ...running, dataDir, stop: () => running.stop().then(remove) };
  } catch (error) {
    remove();
    throw error;
  }
}

async function start(
  options: PostgresOptions,
  durability: Record<string, string>,
  life: 'kept' | 'temporary',
): Promise<LocalPostgres> {
  const log = options.log ?? (() => undefined);
  mkdirSync(options.dataDir, { recursive: true });
  const dataDir = realpathSync(options.dataDir);
  const ownerFile = join(dataDir, 'postgres.owner');
  const ended = await clearLeftovers(
    ownerFile,
    'PostgreSQL',
    // Every PostgreSQL process works in its cluster; where the system does not tell, the command line names it.
    ({ cwd, command }) => cwd === join(dataDir, 'cluster') || command.includes(`-D ${join(dataDir, 'cluster')} `),
  );
  if (ended > 0) log('stopped a PostgreSQL that an earlier run left behind');
  // Nobody works in the cluster any more. PostgreSQL would still refuse while the pid in this file exists: as a zombie
  // (for ever, in a container whose first process reaps nothing) or as a pid that another program was given since.
  rmSync(join(dataDir, 'cluster', 'postmaster.pid'), { force: true });
  if (options.copyOf !== undefined) await copyCluster(options.copyOf, dataDir);
  const cluster = await openCluster(dataDir, log);
  try {
    const { server, port } = await startOnFreePort(cluster, (port) =>
      GuardedProcess.start({
        command: join(cluster.runtime, 'bin', 'postgres'),
        args: ['-D', cluster.path, ...asArguments({ port: String(port), ...SETTINGS, ...durability })],
        env: POSTGRES_ENV,
        logFile: join(dataDir, 'postgres.log'),
        ownerFile,
        user: cluster.user,
        directoryFd: cluster.directoryFd,
        temporaryDir: life === 'temporary' ? dataDir : undefined,
      }),
    );
    try {
      return { ...(await ensureDatabaseAndRoles(port, cluster.password)), port, stop: () => server.stop() };
    } catch (error) {
      await server.stop();
      throw error;
    }
  } finally {
    cluster.close();
  }
}

/** Tries again when the port was taken in between, and while dying children of a killed postmaster hold its memory. */
async function startOnFreePort(
  cluster: PostgresCluster,
  start: (port: number) => GuardedProcess,
): Promise<{ server: GuardedProcess; port: number }> {
  for (let attempt = 1; ; attempt++) {
    const port = await findFreePort();
    const server = start(port);
    try {
      await waitUntil('Starting PostgreSQL', READY_TIMEOUT_MS, () => server.hasExited || isReady(cluster, server));
    } catch (error) {
      await server.stop();
      throw error;
    }
    if (!server.hasExited) return { server, port };
    const said = server.logTail();
    if (attempt >= 20 || !/could not bind|shared memory block/.test(said)) {
      throw new LocalProcessError(
        'did_not_start',
        `PostgreSQL ended at once:\n${said}\n`,
        `Its log is ${cluster.dataDir}/postgres.log.`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/**
 * Given at every start rather than written into the cluster, so that old data directories follow. No unix socket: its
 * path would have to be short and writable for another user. UTC as everywhere in the product.
 */
const SETTINGS = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '200',
  timezone: 'UTC',
  log_timezone: 'UTC',
};

function asArguments(settings: Record<string, string>): string[] {
  return Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

/** The postmaster says so itself in line 8 of its pid file, before it would cost us failing logins to find out. */
function isReady(cluster: PostgresCluster, server: GuardedProcess): boolean {
  try {
    const lines = readFileSync(join(cluster.dataDir, 'cluster', 'postmaster.pid'), 'utf8').split('\n');
    return Number(lines[0]) === server.pid && lines[7]?.trim() === 'ready';
  } catch {
    return false;
  }
}
