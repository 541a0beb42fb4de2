import { setTimeout as sleep } from 'node:timers/promises';
import { codeOf, isConnectionLost, isLostRace } from '../common/outage';
import type { DatabaseService } from '../database/database.service';
import { type ApplyAnswer, Forecast } from './forecast';
import { type LedgerOperation, parametersOf } from './ledger-operation';
import { type FlushAnswer, type RawVerdict, readVerdicts } from './verdict';

const callOf = (name: string, parameters: number): string =>
  `SELECT * FROM ${name}(${Array.from({ length: parameters }, (_, index) => `$${index + 1}`).join(', ')})`;
export const APPLY_SQL = callOf('ledger_apply', 43);
export const FLUSH_SQL = callOf('ledger_flush', 24);
const MAX_ATTEMPTS = 5;
const PAUSE_MS = 5;
/** No further attempt is begun after this time. */
const PATIENCE_MS = 10_000;
/** What `ledger_apply` says when something is not as expected: itself, a unique key, an account's CHECK. */
const UNEXPECTED = /^(TB001|23505|23514)$/;
/** Nobody listens there: an attempt that follows at once would find the same. */
const REFUSED = /ECONNREFUSED|timeout exceeded when trying to connect|connection timeout/;
const LOOKS = 3;
const BETWEEN_LOOKS_MS = 25;

/** Sends flushes on the connections that are kept for them. */
export class FlushClient {
  /** The last flush did not go as expected. */
  private surprised = false;

  constructor(private readonly database: DatabaseService) {}

  /**
   * One flush, as it is expected to go; or decided one by one, if it does not. After a lost race or a lost connection
   * the same one again, a few times: a repeat returns the first result.
   * @throws whatever PostgreSQL or the connection said in the end; 55P03 at once
   */
  async send(operations: readonly LedgerOperation[]): Promise<readonly RawVerdict[]> {
    const latest = Date.now() + PATIENCE_MS;
    // Of an attempt whose outcome is not known: whatever the next ones meet, it may have been written.
    let lost: unknown;
    for (let attempt = 1; ; attempt++) {
      try {
        return await (this.surprised || attempt > 1 ? this.decide(operations) : this.apply(operations));
      } catch (error) {
        if (isConnectionLost(error)) lost = error;
        if (attempt >= MAX_ATTEMPTS || Date.now() >= latest || !mayHelp(error)) throw lost ?? error;
        this.surprised = UNEXPECTED.test(codeOf(error));
        if (!this.surprised) await sleep(PAUSE_MS * 2 ** attempt);
      }
    }
  }

  private async apply(operations: readonly LedgerOperation[]): Promise<RawVerdict[]> {
    const forecast = new Forecast(operations);
    const [answer] = await this.database.reserved.prepared<ApplyAnswer>(
      'ledger_apply',
      APPLY_SQL,
      forecast.parameters(),
    );
    if (!answer) throw new Error('ledger_apply returned nothing');
    return forecast.verdicts(answer);
  }

  private async decide(operations: readonly LedgerOperation[]): Promise<RawVerdict[]> {
    const parameters = parametersOf(operations);
    const [answer] = await this.database.reserved.prepared<FlushAnswer>('ledger_flush', FLUSH_SQL, parameters);
    const verdicts = readVerdicts(answer);
    // One refusal seldom comes alone: as long as they come, nobody is sent twice.
    this.surprised = verdicts.some(({ verdict }) => !GRANTED.has(verdict));
    return verdicts;
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

const GRANTED: ReadonlySet<string> = new Set(['H', 'R', 'P']);

const mayHelp = (error: unknown): boolean =>
  isLostRace(error) ||
  UNEXPECTED.test(codeOf(error)) ||
  (isConnectionLost(error) && !REFUSED.test(`${codeOf(error)} ${String(error)}`));
