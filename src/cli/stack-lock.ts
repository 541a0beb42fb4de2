import { execFileSync } from 'node:child_process';
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CommandError } from './command';

/** Which process runs the stack of a directory. */
export interface Owner {
  readonly pid: number;
  /** When the process began, as the system tells it: a pid is given to another program sooner or later. */
  readonly began: string;
  /** `null` while it starts. */
  readonly url: string | null;
}

const pathIn = (directory: string): string => join(directory, 'stack.lock');

/** One stack per directory. */
export class StackLock {
  private constructor(private readonly directory: string) {}

  /** @throws CommandError that names the running stack. */
  static acquire(directory: string): StackLock {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const path = pathIn(directory);
    const mine = `${path}.${process.pid}`;
    writeFileSync(mine, describe(null), { mode: 0o600 });
    try {
      for (let attempt = 1; ; attempt++) {
        const owner = readOwner(directory);
        if (owner) throw new CommandError(alreadyRuns(owner));
        if (tryLink(mine, path)) return new StackLock(directory);
        if (attempt > 20) throw new CommandError(`${path} cannot be taken over. Remove it and start again.`);
        // Left behind by a run that crashed.
        if (!readOwner(directory)) rmSync(path, { force: true });
      }
    } finally {
      rmSync(mine, { force: true });
    }
  }

  /** Tells others where the stack is. */
  announce(url: string): void {
    const path = pathIn(this.directory);
    writeFileSync(`${path}.new`, describe(url), { mode: 0o600 });
    renameSync(`${path}.new`, path);
  }

  release(): void {
    rmSync(pathIn(this.directory), { force: true });
  }
}

/** The live process that runs the stack of `directory`. */
export function readOwner(directory: string): Owner | undefined {
  try {
    const owner = JSON.parse(readFileSync(pathIn(directory), 'utf8')) as Owner;
    return beganAt(owner.pid) === owner.began ? owner : undefined;
  } catch {
    return undefined;
  }
}

function alreadyRuns({ pid, url }: Owner): string {
  const where = url === null ? 'is already starting' : `already runs at ${url}`;
  return `The local stack ${where} (process ${pid}). Stop that one first, with Ctrl-C or kill ${pid}.`;
}

function describe(url: string | null): string {
  return JSON.stringify({ pid: process.pid, began: beganAt(process.pid), url });
}

function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** `undefined` when there is no such process; a zombie is none. */
function beganAt(pid: number): string | undefined {
  try {
    if (process.platform !== 'linux') {
      return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim() || undefined;
    }
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // Field 22 of proc(5), in ticks since boot; the boot id tells boots apart.
    return state === 'Z' ? undefined : `${readFileSync(BOOT_ID, 'utf8').trim()}:${fields[18]}`;
  } catch {
    return undefined;
  }
}

const BOOT_ID = '/proc/sys/kernel/random/boot_id';
