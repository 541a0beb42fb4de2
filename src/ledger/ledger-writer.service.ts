import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { DatabaseService } from '../database/database.service';
import type { Tx } from '../database/tx';
import { LedgerBusyError } from './ledger-error';
import { type LedgerOperation, nameOf, parametersOf } from './ledger-operation';
import { type FlushAnswer, type RawVerdict, readVerdicts } from './verdict';

const MAX_FLUSH = 500;
const MAX_WAITING = 20_000;
const MAX_ATTEMPTS = 5;
const FLUSH_SQL = `SELECT * FROM ledger_flush(${Array.from({ length: 23 }, (_, index) => `$${index + 1}`).join(', ')})`;
const PAUSE_MS = 5;
/** A key or a hold that has been there before: the second attempt looks them up. */
const UNIQUE_VIOLATION = '23505';
/** Outcome unknown or lost a race: the same keys may be sent again, a repeat returns the first result. */
const RETRYABLE = /^(40001|40P01|55P03|23505|57P0\d|08\w{3}|ECONNRESET|EPIPE)$/;

/**
 * Operations that arrive while a flush is on its way share the next one: one round trip and one durable commit.
 * No timer: a lone operation leaves at once. Each caller is answered after the commit, with its own verdict.
 */
@Injectable()
export class LedgerWriter {
  private waiting: Waiting[] = [];
  private flushing = false;

  constructor(private readonly database: DatabaseService) {}

  /** @throws LedgerBusyError when the queue is full. */
  submit(operation: LedgerOperation): Promise<RawVerdict> {
    if (this.waiting.length >= MAX_WAITING) return Promise.reject(new LedgerBusyError(this.waiting.length));
    return new Promise((resolve, reject) => {
      this.waiting.push({ operation, resolve, reject });
      if (!this.flushing) {
        this.flushing = true;
        queueMicrotask(() => void this.flushAll());
      }
    });
  }

  /** The same function in the caller's own transaction, for entries that are atomic with other rows. */
  async write(tx: Tx, operation: LedgerOperation): Promise<RawVerdict> {
    const [answer] = await tx.query<FlushAnswer>(FLUSH_SQL, parametersOf([operation], true));
    return verdictAt(readVerdicts(answer), 0);
  }

  private async flushAll(): Promise<void> {
    while (this.waiting.length > 0) await this.flush(this.nextBatch());
    this.flushing = false;
  }

  /** What may be decided together, in the order of arrival: who shares a key or a hold with one before waits its turn. */
  private nextBatch(): Waiting[] {
    const names = new Set<string>();
    const batch: Waiting[] = [];
    const parked: Waiting[] = [];
    for (const entry of this.waiting) {
      const name = nameOf(entry.operation);
      const free = batch.length < MAX_FLUSH && !names.has(name);
      (free ? batch : parked).push(entry);
      names.add(name);
    }
    this.waiting = parked;
    return batch;
  }

  /** Never rejects: every waiting caller gets its verdict or its own error. */
  private async flush(batch: Waiting[]): Promise<void> {
    try {
      const verdicts = await this.send(batch.map((entry) => entry.operation));
      batch.forEach((entry, index) => entry.resolve(verdictAt(verdicts, index)));
    } catch (error) {
      const [only] = batch;
      if (batch.length === 1 && only) return only.reject(error);
      if (!isRefusedByPostgres(error)) return batch.forEach((entry) => entry.reject(error));
      // One poisoned operation rolled the flush back: alone, each harms only itself.
      for (const entry of batch) await this.flush([entry]);
    }
  }

  private async send(operations: readonly LedgerOperation[]): Promise<readonly RawVerdict[]> {
    for (let attempt = 1; ; attempt++) {
      try {
        const parameters = parametersOf(operations, attempt > 1);
        const [answer] = await this.database.prepared<FlushAnswer>('ledger_flush', FLUSH_SQL, parameters);
        if (answer?.verdicts !== null) return readVerdicts(answer);
      } catch (error) {
        if (attempt >= MAX_ATTEMPTS || !RETRYABLE.test(codeOf(error))) throw error;
        if (codeOf(error) !== UNIQUE_VIOLATION) await sleep(PAUSE_MS * 2 ** attempt);
      }
    }
  }
}

const codeOf = (error: unknown): string => String((error as { code?: unknown } | null)?.code);

/** It read what was sent and said no. Otherwise it is away, and would be for each alone. */
const isRefusedByPostgres = (error: unknown): boolean => /^(?!08|53|57)[0-9A-Z]{5}$/.test(codeOf(error));

interface Waiting {
  readonly operation: LedgerOperation;
  readonly resolve: (verdict: RawVerdict) => void;
  readonly reject: (error: unknown) => void;
}

function verdictAt(verdicts: readonly RawVerdict[] | undefined, index: number): RawVerdict {
  const verdict = verdicts?.[index];
  if (!verdict) throw new Error('ledger_flush returned fewer verdicts than operations');
  return verdict;
}
