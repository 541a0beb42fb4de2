import { accessSync, constants, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';

const MEMORY = '/dev/shm';
const TMPFS = 0x01021994;
/** In bytes: the databases of a whole test run, and the run itself. */
const ENOUGH = 4 * 1024 ** 3;

/**
 * Where data goes that ends with its process: into memory where the system has it as a directory with room, because a
 * cluster is some 1,700 files, and a disk needs a second to make them; else where temporary files go.
 */
export function temporaryPlace(memory = MEMORY, enough = ENOUGH): string {
  return hasRoom(memory, enough) ? memory : tmpdir();
}

function hasRoom(directory: string, enough: number): boolean {
  try {
    accessSync(directory, constants.W_OK | constants.X_OK);
    const { type, bavail, bsize } = statfsSync(directory);
    return type === TMPFS && Math.min(bavail * bsize, process.availableMemory()) >= enough;
  } catch {
    return false; // a system without it
  }
}
