import { setTimeout as sleep } from 'node:timers/promises';
import { codeOf, isConnectionLost } from '../common/outage';
import type { DatabaseService } from '../database/database.service';
import { type LedgerOperation, parametersOf } from './ledger-operation';
import { type FlushAnswer, type RawVerdict, readVerdicts } from './verdict';

export const FLUSH_SQL = `SELECT * FROM ledger_flush(${Array.from({ length: 23 }, (_, index) => `$${index + 1}`).join(', ')})`;
const MAX_ATTEMPTS = 5;
const PAUSE_MS = 5;
/** No further attempt is begun after this time. */
const PATIENCE_MS = 10_000;
/** A key or a hold that has been there before: the second attempt looks them up. */
const UNIQUE_VIOLATION = '23505';
/** It lost a race against somebody, and was rolled back. */
const LOST_RACE = /^(40001|40P01|23505)$/;
/** Nobody listens there: an attempt that follows at once would find the same. */
const REFUSED = /ECONNREFUSED|timeout exceeded when trying to connect|connection timeout/;
const LOOKS = 3;
const BETWEEN_LOOKS_MS = 25;

/** Sends flushes on the connections that are kept for them. */
export class FlushClient {
  constructor(private readonly database: DatabaseService) {}

  /**
   * One flush; after a lost race or a lost connection the same one again, a few times: a repeat returns the first
   * result. @throws whatever PostgreSQL or the connection said in the end; 55P03 at once
   */
  async send(operations: readonly LedgerOperation[]): Promise<readonly RawVerdict[]> {
    const latest = Date.now() + PATIENCE_MS;
    for (let attempt = 1; ; attempt++) {
      try {
        const parameters = parametersOf(operations, attempt > 1);
        const [answer] = await this.database.reserved.prepared<FlushAnswer>('ledger_flush', FLUSH_SQL, parameters);
        if (answer?.verdicts !== null) return readVerdicts(answer);
      } catch (error) {
        if (attempt >= MAX_ATTEMPTS || Date.now() >= latest || !mayHelp(error)) throw error;
        if (codeOf(error) !== UNIQUE_VIOLATION) await sleep(PAUSE_MS * 2 ** attempt);
      }
    }
  }

  /**
   * Which of these accounts another transaction keeps locked. Whoever only flushes lets go within milliseconds, so
   * what counts is who is locked at every look.
   */
  async lockedOf(accounts: readonly string[]): Promise<string[]> {
    let locked = [...accounts];
    for (let look = 1; look <= LOOKS && locked.length > 0; look++) {
      if (look > 1) await sleep(BETWEEN_LOOKS_MS);
      const rows = await this.database.reserved.prepared<{ id: bigint }>(
        'ledger_unlocked',
        'SELECT id FROM ledger_accounts WHERE id = ANY ($1::bigint[]) FOR NO KEY UPDATE SKIP LOCKED',
        [locked],
      );
      const free = new Set(rows.map(({ id }) => id.toString()));
      locked = locked.filter((id) => !free.has(id));
    }
    return locked;
  }
}

const mayHelp = (error: unknown): boolean =>
  LOST_RACE.test(codeOf(error)) || (isConnectionLost(error) && !REFUSED.test(`${codeOf(error)} ${String(error)}`));
