import { copyFileSync, existsSync, mkdirSync, readFileSync, realpathSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { clearLeftovers } from './leftovers';

const COPY_INTERVAL_MS = 30_000;

/** The file that carries the chain over restarts. */
export interface ChainState {
  /** As a real path. */
  readonly path: string;
  /** Starts keeping a second copy, once anvil has proved that it can read the file. */
  keepCopies(): void;
  /** Ends that. */
  close(): void;
}

/**
 * Makes the state file ready to be loaded: nobody else writes it, and it is whole.
 *
 * anvil overwrites the file in place (truncate, then write). Killed at that moment it leaves half a file and would not
 * start again, so we keep a copy that is at most half a minute old and fall back to it.
 *
 * @param path Need not exist, nor its directory.
 * @throws LocalProcessError `already_running`, `leftover_survives`
 */
export async function openState(path: string, log: (line: string) => void): Promise<ChainState> {
  mkdirSync(dirname(path), { recursive: true });
  const file = join(realpathSync(dirname(path)), basename(path));
  const copy = `${file}.previous`;
  const ended = await clearLeftovers(`${file}.owner`, 'anvil', ({ command }) => command.includes(`--state ${file} `));
  if (ended > 0) log('stopped an anvil that an earlier run left behind');
  if (existsSync(file) && !isWhole(file)) {
    log(`the chain state was cut off while it was written; going back to ${copy}`);
    rmSync(file);
    if (existsSync(copy)) copyFileSync(copy, file);
  }
  let timer: NodeJS.Timeout | undefined;
  return {
    path: file,
    keepCopies: () => {
      keepCopy(file, copy);
      timer = setInterval(() => keepCopy(file, copy), COPY_INTERVAL_MS).unref();
    },
    close: () => clearInterval(timer),
  };
}

function keepCopy(file: string, copy: string): void {
  if (!existsSync(file)) return;
  const fresh = `${copy}.new`;
  copyFileSync(file, fresh);
  // Half a file when anvil is writing at this moment: the copy we have stays.
  if (isWhole(fresh)) renameSync(fresh, copy);
  else rmSync(fresh);
}

function isWhole(file: string): boolean {
  try {
    JSON.parse(readFileSync(file, 'utf8'));
    return true;
  } catch {
    return false;
  }
}
