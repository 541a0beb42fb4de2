import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, chownSync, closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync } from 'node:fs';
import { rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import type { SystemUser } from './guarded-process';
import { LocalProcessError } from './local-process.error';
import { canEnter, preparePostgresRuntime } from './postgres-runtime';

/** Where a cluster is and how its server must be run. `close()` once the server has started. */
export interface PostgresCluster {
  readonly dataDir: string;
  /** The cluster's path as the server must be told it. */
  readonly path: string;
  readonly runtime: string;
  readonly password: string;
  readonly user: SystemUser | undefined;
  readonly directoryFd: number | undefined;
  close(): void;
}

/** `TZ` saves initdb a search through all time zones; C keeps its messages in English. */
export const POSTGRES_ENV: NodeJS.ProcessEnv = { PATH: process.env.PATH ?? '', LC_ALL: 'C', TZ: 'UTC' };

/**
 * Opens `<dataDir>/cluster`, initialising it on the first start.
 *
 * PostgreSQL refuses to run as root, so under root it runs as another user. That user owns the cluster but often
 * cannot reach it (a project under /root, mode 0700). Then we open the directory and hand it down: the path
 * `/proc/self/fd/3` leads straight into it and no parent directory is asked. The data so stays where the caller
 * wanted it, needs no mount rights, and is gone when the caller deletes the directory.
 *
 * @param dataDir An existing directory, as a real path.
 * @throws LocalProcessError `package_missing`, `did_not_start`
 */
export async function openCluster(dataDir: string, log: (line: string) => void): Promise<PostgresCluster> {
  const inPlace = join(dataDir, 'cluster');
  const user = process.getuid?.() === 0 ? findUser(inPlace) : undefined;
  const runtime = preparePostgresRuntime(user);
  // Whoever is handed the directory must still be let in by the directory itself, whatever our umask was.
  if (user) chmodSync(dataDir, statSync(dataDir).mode | 0o011);
  const directoryFd = user && !canEnter(dataDir, user) ? openDirectory(dataDir) : undefined;
  const base = directoryFd === undefined ? dataDir : '/proc/self/fd/3';
  const close = () => {
    if (directoryFd !== undefined) closeSync(directoryFd);
  };
  try {
    const where = { dataDir, base, runtime, user, directoryFd };
    if (!existsSync(inPlace)) await initialise(where, log);
    const password = readFileSync(join(inPlace, 'tollbridge.password'), 'utf8');
    return { dataDir, path: `${base}/cluster`, runtime, password, user, directoryFd, close };
  } catch (error) {
    close();
    throw error;
  }
}

/** Does nothing where there is a cluster already. `cp -a`, because files must stay the server's user's. */
export async function copyCluster(fromDataDir: string, toDataDir: string): Promise<void> {
  const place = join(toDataDir, 'cluster');
  if (existsSync(place)) return;
  const building = join(toDataDir, 'copying');
  rmSync(building, { recursive: true, force: true });
  await promisify(execFile)('cp', ['-a', join(fromDataDir, 'cluster'), building]);
  renameSync(building, place);
}

type Place = Omit<PostgresCluster, 'path' | 'password' | 'close'> & { readonly base: string };

/**
 * Built beside its place and moved there when complete: an interrupted first start leaves no half cluster. The
 * password is random, because every user of this machine can reach 127.0.0.1; it lives inside the cluster it opens.
 */
async function initialise(
  { dataDir, base, runtime, user, directoryFd }: Place,
  log: (line: string) => void,
): Promise<void> {
  const started = Date.now();
  const building = join(dataDir, 'building');
  rmSync(building, { recursive: true, force: true });
  mkdirSync(building, { mode: 0o700 });
  writeFileSync(join(building, 'password'), randomBytes(18).toString('hex'), { mode: 0o600 });
  if (user) for (const path of [building, join(building, 'password')]) chownSync(path, user.uid, user.gid);
  const args = [
    ...['-D', `${base}/building/cluster`, '-U', 'tollbridge', `--pwfile=${base}/building/password`],
    ...['-A', 'scram-sha-256', '-E', 'UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'],
    ...['--no-sync', '--no-instructions'],
  ];
  const initdb = spawn(join(runtime, 'bin', 'initdb'), args, {
    cwd: '/',
    env: POSTGRES_ENV,
    stdio: ['ignore', 'pipe', 'pipe', ...(directoryFd === undefined ? [] : [directoryFd])],
    ...user,
  });
  const status = new Promise<number | string | null>((resolve) => {
    initdb.once('error', (error) => resolve(error.message));
    initdb.once('close', resolve);
  });
  const output = await Promise.all([text(initdb.stdout as Readable), text(initdb.stderr as Readable)]);
  if ((await status) !== 0) {
    throw new LocalProcessError(
      'did_not_start',
      `The database could not be created in ${dataDir}: ${[await status, ...output].join('\n')}\n`,
      'A full disk, or a directory this user may not write, is the usual cause.',
    );
  }
  renameSync(join(building, 'password'), join(building, 'cluster', 'tollbridge.password'));
  renameSync(join(building, 'cluster'), join(dataDir, 'cluster'));
  rmSync(building, { recursive: true, force: true });
  log(`created an empty database in ${Date.now() - started} ms`);
}

/** The owner of the cluster when there is one; else `nobody`, else any account (initdb wants one with a name). */
function findUser(cluster: string): SystemUser {
  const owner = statSync(cluster, { throwIfNoEntry: false });
  if (owner && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid };
  const accounts = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .map(([name, , uid, gid]) => ({ name, uid: Number(uid), gid: Number(gid) }))
    .filter(({ uid }) => uid > 0);
  const chosen = accounts.find(({ name }) => name === 'nobody') ?? accounts[0];
  if (chosen) return { uid: chosen.uid, gid: chosen.gid };
  throw new LocalProcessError(
    'did_not_start',
    'PostgreSQL does not run as root, and this system has no other user.',
    'Add one (useradd postgres), or point DATABASE_URL at a PostgreSQL of your own.',
  );
}

function openDirectory(dataDir: string): number {
  if (process.platform === 'linux') return openSync(dataDir, 'r');
  throw new LocalProcessError(
    'did_not_start',
    `PostgreSQL does not run as root, and no other user can reach ${dataDir}.`,
    'Choose a data directory that every user may enter, or do not run as root.',
  );
}
