import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmdirSync, rmSync, statSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A disk of a few megabytes, in memory. */
export interface SmallDisk {
  readonly path: string;
  /** Leaves not one block. */
  fill(): void;
  /** Gives back what `fill` took. */
  clear(): void;
  /** Unmounts it. Whoever has files open there must be gone. */
  remove(): void;
}

const MEGABYTE = Buffer.alloc(1 << 20);

/** Whether this machine lets us mount one: Linux, as root, outside of most containers. */
export function canMount(): boolean {
  try {
    mountDisk(1, tmpdir()).remove();
    return true;
  } catch {
    return false;
  }
}

/** @param like The new disk belongs to whom this path belongs. */
export function mountDisk(megabytes: number, like: string): SmallDisk {
  const { uid, gid } = statSync(like);
  const path = mkdtempSync(join(tmpdir(), 'tollbridge-small-disk-'));
  try {
    const options = `size=${megabytes}m,mode=0700,uid=${uid},gid=${gid}`;
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tollbridge-test', path], { stdio: 'pipe' });
  } catch (error) {
    rmdirSync(path);
    throw error;
  }
  const junk = join(path, 'junk');
  return {
    path,
    fill: () => {
      const file = openSync(junk, 'a');
      try {
        for (let size = MEGABYTE.length; size >= 512; size = Math.floor(size / 2))
          writeAll(file, MEGABYTE.subarray(0, size));
      } finally {
        closeSync(file);
      }
    },
    clear: () => rmSync(junk, { force: true }),
    remove: () => {
      execFileSync('umount', [path], { stdio: 'pipe' });
      rmdirSync(path);
    },
  };
}

/** Until the disk is full. */
function writeAll(file: number, bytes: Buffer): void {
  for (;;) {
    try {
      if (writeSync(file, bytes) < bytes.length) return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return;
      throw error;
    }
  }
}
