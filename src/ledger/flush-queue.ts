import { LedgerBusyError } from './ledger-error';
import { type LedgerOperation, nameOf } from './ledger-operation';
import type { RawVerdict } from './verdict';

const MAX_FLUSH = 500;
/** Who has waited this long in a queue that does not move is told so instead of being sent. */
const PATIENCE_MS = 10_000;

/** Operations that share a flush, one after the other, and whoever waits for the verdict on the last. */
export interface Waiting {
  readonly operations: readonly LedgerOperation[];
  /** `Date.now()` when it came. */
  readonly since: number;
  readonly resolve: (verdict: RawVerdict) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Operations that arrive while a flush is on its way share the next one. No timer: a lone operation leaves at once.
 * One flush at a time.
 */
export class FlushQueue {
  private waiting: Waiting[] = [];
  private flushing = false;

  /** @param flush Answers everybody in the batch; never rejects. */
  constructor(private readonly flush: (batch: Waiting[]) => Promise<void>) {}

  get length(): number {
    return this.waiting.length;
  }

  push(entry: Waiting): void {
    this.waiting.push(entry);
    if (this.flushing) return;
    this.flushing = true;
    queueMicrotask(() => void this.flushAll());
  }

  /** Takes out those whose turn must not come here. */
  withdraw(isMeant: (entry: Waiting) => boolean): Waiting[] {
    const taken = this.waiting.filter(isMeant);
    if (taken.length > 0) this.waiting = this.waiting.filter((entry) => !isMeant(entry));
    return taken;
  }

  private async flushAll(): Promise<void> {
    while (this.waiting.length > 0) {
      const batch = this.nextBatch();
      if (batch.length > 0) await this.flush(batch);
    }
    this.flushing = false;
  }

  /** What may be decided together, in the order of arrival: who shares a key or a hold with one before waits its turn. */
  private nextBatch(): Waiting[] {
    this.sendAwayWhoWaitedTooLong();
    const names = new Set<string>();
    const batch: Waiting[] = [];
    const parked: Waiting[] = [];
    let size = 0;
    for (const entry of this.waiting) {
      const own = entry.operations.map(nameOf);
      const free = size + own.length <= MAX_FLUSH && !own.some((name) => names.has(name));
      (free ? batch : parked).push(entry);
      if (free) size += own.length;
      for (const name of own) names.add(name);
    }
    this.waiting = parked;
    return batch;
  }

  private sendAwayWhoWaitedTooLong(): void {
    const latest = Date.now() - PATIENCE_MS;
    if (!this.waiting.some(({ since }) => since < latest)) return;
    const count = this.waiting.length;
    for (const entry of this.withdraw(({ since }) => since < latest)) entry.reject(new LedgerBusyError(count));
  }
}
