import { setTimeout as sleep } from 'node:timers/promises';
import { isOutage } from '../common/outage';
import { LedgerOutageError } from '../ledger/ledger-error';

/** A database that is restarted, or fails over, is back by then. */
const PATIENCE_MS = 30_000;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2_000;

/** Repeats `work`, which must be safe to repeat, while only a database that is away keeps it from being done. */
export async function patiently<Result>(work: () => Promise<Result>, patienceMs = PATIENCE_MS): Promise<Result> {
  const deadline = Date.now() + patienceMs;
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
    try {
      return await work();
    } catch (error) {
      if (!isPassing(error) || Date.now() + pause > deadline) throw error;
      await sleep(pause);
    }
  }
}

/** The database is away or has no room, the ledger's queue is full, somebody keeps an account locked. */
const isPassing = (error: unknown): boolean => error instanceof LedgerOutageError || isOutage(error);
