import { Injectable } from '@nestjs/common';
import { codeOf, isOutage } from '../common/outage';
import { DatabaseService } from '../database/database.service';
import type { Tx } from '../database/tx';
import { FLUSH_SQL, FlushClient } from './flush.client';
import { FlushQueue, type Waiting } from './flush-queue';
import { LedgerBusyError, LedgerLockedError, LedgerTextError, LedgerUnavailableError } from './ledger-error';
import { accountIdsOf, type LedgerOperation, parametersOf, unstorableIn } from './ledger-operation';
import { type FlushAnswer, type RawVerdict, readVerdicts } from './verdict';

const MAX_WAITING = 20_000;
const LOCK_NOT_AVAILABLE = '55P03';
/** Nobody's batch is halved for longer than this to find what keeps it from being written. */
const PATIENCE_MS = 5_000;

/**
 * Group commit: what arrives while a flush is on its way shares the next one, one round trip and one durable commit.
 * Each caller is answered after the commit, with its own verdict.
 *
 * A flush waits a second for the rows that it locks. Whose account is still locked then goes on in a queue of its own,
 * beside the others, until the account is free: nobody else waits for it.
 */
@Injectable()
export class LedgerWriter {
  private readonly client: FlushClient;
  /** Holds and releases touch customers only: they need not wait for entries, which all meet at the revenue account. */
  private readonly holds = new FlushQueue((batch) => this.flush(batch));
  private readonly entries = new FlushQueue((batch) => this.flush(batch));
  private readonly aside = new FlushQueue((batch) => this.flush(batch, true));
  /** Accounts for which a flush has waited in vain, and none has got since. */
  private readonly locked = new Set<string>();

  constructor(database: DatabaseService) {
    this.client = new FlushClient(database);
  }

  /**
   * @param operations They share a flush, in this order, and each is decided alone. Resolves to the verdict on the last.
   * @throws LedgerOutageError when the same operations may be sent again: LedgerBusyError and LedgerLockedError when
   * nothing was written, LedgerUnavailableError when that is not known. LedgerTextError.
   */
  submit(...operations: readonly LedgerOperation[]): Promise<RawVerdict> {
    const waiting = this.holds.length + this.entries.length + this.aside.length;
    if (waiting >= MAX_WAITING) return Promise.reject(new LedgerBusyError(waiting));
    const unstorable = operations.map(unstorableIn).find((text) => text !== undefined);
    if (unstorable !== undefined) return Promise.reject(new LedgerTextError(unstorable));
    return new Promise((resolve, reject) => {
      const entry = { operations, since: Date.now(), resolve, reject };
      this.queueFor(entry).push(entry);
    });
  }

  /** `ledger_flush` in the caller's own transaction, for entries that are atomic with other rows. */
  async write(tx: Tx, operation: LedgerOperation): Promise<RawVerdict> {
    return verdictAt(await this.writeAll(tx, [operation]), 0);
  }

  /** The same for several, each decided alone. In their order. */
  async writeAll(tx: Tx, operations: readonly LedgerOperation[]): Promise<readonly RawVerdict[]> {
    const [answer] = await tx.query<FlushAnswer>(FLUSH_SQL, parametersOf(operations));
    return readVerdicts(answer);
  }

  /** Never rejects: every waiting caller gets its verdict or its own error. */
  private async flush(batch: readonly Waiting[], isAside = false, latest = Date.now() + PATIENCE_MS): Promise<void> {
    if (batch.length === 0) return;
    try {
      const verdicts = await this.client.send(batch.flatMap((entry) => entry.operations));
      let decided = 0;
      for (const entry of batch) {
        decided += entry.operations.length;
        entry.resolve(verdictAt(verdicts, decided - 1));
      }
      if (this.locked.size > 0) for (const id of accountsOf(batch)) this.locked.delete(id);
    } catch (error) {
      if (codeOf(error) === LOCK_NOT_AVAILABLE) return this.goOnWithout(batch, isAside, latest);
      if (isOutage(error)) return rejectAll(batch, new LedgerUnavailableError(error));
      if (batch.length === 1) return rejectAll(batch, error);
      // One poisoned operation rolled the flush back: alone, each harms only itself.
      for (const [index, entry] of batch.entries()) {
        if (Date.now() >= latest) return rejectAll(batch.slice(index), new LedgerUnavailableError(error));
        await this.flush([entry], isAside, latest);
      }
    }
  }

  /** Somebody sits on a row that this batch needs. */
  private async goOnWithout(batch: readonly Waiting[], isAside: boolean, latest: number): Promise<void> {
    for (const id of await this.client.lockedOf(accountsOf(batch)).catch(() => [])) this.locked.add(id);
    const stuck = batch.filter((entry) => this.isLocked(entry));
    if (stuck.length === 0) return this.halve(batch, isAside, latest);
    if (isAside) rejectAll(stuck, new LedgerLockedError());
    else for (const entry of [...stuck, ...this.withdrawLocked()]) this.aside.push(entry);
    await this.flush(
      batch.filter((entry) => !stuck.includes(entry)),
      isAside,
      latest,
    );
  }

  /** It was let go in between, or is no account's row: another transaction's key, say. */
  private async halve(batch: readonly Waiting[], isAside: boolean, latest: number): Promise<void> {
    if (Date.now() >= latest) return rejectAll(batch, new LedgerLockedError());
    if (batch.length === 1) return this.flush(batch, isAside, latest);
    const middle = Math.ceil(batch.length / 2);
    await this.flush(batch.slice(0, middle), isAside, latest);
    await this.flush(batch.slice(middle), isAside, latest);
  }

  private queueFor(entry: Waiting): FlushQueue {
    if (this.isLocked(entry)) return this.aside;
    return entry.operations.some((operation) => operation.entry !== undefined) ? this.entries : this.holds;
  }

  private withdrawLocked(): Waiting[] {
    return [this.holds, this.entries].flatMap((queue) => queue.withdraw((entry) => this.isLocked(entry)));
  }

  private isLocked(entry: Waiting): boolean {
    return this.locked.size > 0 && accountIdsOf(entry.operations).some((id) => this.locked.has(id));
  }
}

const accountsOf = (batch: readonly Waiting[]): string[] => accountIdsOf(batch.flatMap(({ operations }) => operations));

function rejectAll(batch: readonly Waiting[], error: unknown): void {
  for (const entry of batch) entry.reject(error);
}

/** @throws when the database has answered fewer. */
export function verdictAt(verdicts: readonly RawVerdict[] | undefined, index: number): RawVerdict {
  const verdict = verdicts?.[index];
  if (!verdict) throw new Error('ledger_flush returned fewer verdicts than operations');
  return verdict;
}
