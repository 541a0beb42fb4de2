import { arrayOf } from './array-literal';
import { ascending } from './ledger-operation';

/** What a hold's budget counters have gained right after it, in the order in which it names them. */
export interface CounterGains {
  readonly ids: readonly string[];
  readonly gains: readonly bigint[];
}

/** What becomes of the budget counters when every operation of a flush does what it asks for. */
export class CounterForecast {
  private readonly counters = new Map<string, Counter>();

  get isEmpty(): boolean {
    return this.counters.size === 0;
  }

  hold(ids: readonly string[], atoms: bigint): CounterGains {
    const gains = ids.map((id) => {
      const counter = this.at(id);
      counter.held += atoms;
      const gain = counter.held + counter.spent;
      if (counter.peak === null || counter.peak < gain) counter.peak = gain;
      return gain;
    });
    return { ids, gains };
  }

  /** `held` is returned to them and `spent` is taken, whatever their limits. */
  close(ids: readonly string[], held: bigint, spent: bigint): void {
    for (const id of ids) {
      const counter = this.at(id);
      counter.held -= held;
      counter.spent += spent;
    }
  }

  /** The last four parameters of `ledger_apply`. */
  parameters(): string[] {
    const ids = ascending(this.counters.keys());
    const each = (cell: (counter: Counter) => unknown) => arrayOf(ids.map((id) => cell(this.at(id))));
    return [arrayOf(ids), each(({ held }) => held), each(({ spent }) => spent), each(({ peak }) => peak ?? 'NULL')];
  }

  /** What was used of a hold's counters after it, `before` being that of all counters before the flush. */
  usedOf({ ids, gains }: CounterGains, before: string | null): string {
    if (ids.length === 0) return '';
    const order = ascending(this.counters.keys());
    const used = (before ?? '').split(',');
    return ids.map((id, index) => BigInt(used[order.indexOf(id)] ?? 0) + (gains[index] ?? 0n)).join();
  }

  private at(id: string): Counter {
    let counter = this.counters.get(id);
    if (!counter) this.counters.set(id, (counter = { held: 0n, spent: 0n, peak: null }));
    return counter;
  }
}

interface Counter {
  held: bigint;
  spent: bigint;
  /** The most that it has gained right after a hold; `null` when there is none. */
  peak: bigint | null;
}
