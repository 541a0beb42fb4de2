import { arrayOf, quoted } from './array-literal';
import { CounterForecast, type CounterGains } from './counter-forecast';
import { accountIdsOf, countersOf, type EntryContent, type LedgerOperation, type Movement } from './ledger-operation';
import type { RawVerdict } from './verdict';

/** What `ledger_apply` answers: the flush's id when it has entries, and what was free of each account before. */
export interface ApplyAnswer {
  readonly flush: bigint | null;
  readonly free_before: string | null;
  /** Of each budget counter: what was held and spent of it before. */
  readonly used_before: string | null;
}

/**
 * What becomes of the accounts when every operation of a flush does what it asks for, told from wherever they are now.
 * `ledger_apply` writes it if the accounts bear it and no key and no hold is other than it says.
 */
export class Forecast {
  private readonly accounts: ForecastAccount[];
  private readonly positions = new Map<string, number>();
  private readonly counters = new CounterForecast();
  private readonly open = columns(7);
  private readonly close = columns(7);
  private readonly keys = columns(3);
  private readonly entries = columns(6);
  private readonly lines = columns(8);
  private readonly usages: Record<string, unknown>[] = [];
  private readonly outcomes: Outcome[] = [];

  constructor(operations: readonly LedgerOperation[]) {
    const ids = accountIdsOf(operations, false);
    ids.forEach((id, index) => this.positions.set(id, index));
    this.accounts = ids.map((id) => ({ id, credits: 0n, debits: 0n, held: 0n, low: 0n, strict: false, holds: false }));
    for (const operation of operations) this.expect(operation);
  }

  /** In the order of the function's header. */
  parameters(): (string | null)[] {
    const each = (cell: (account: ForecastAccount) => unknown) => arrayOf(this.accounts.map(cell));
    return [
      each(({ id }) => id),
      each(({ credits }) => credits),
      each(({ debits }) => debits),
      each(({ held }) => held),
      each(({ low }) => low),
      each(({ strict }) => strict),
      each(({ holds }) => holds),
      ...[this.open, this.close].flatMap((table) => [...table.slice(0, -1).map(arrayOf), this.countersIn(table)]),
      ...[this.keys, this.entries, this.lines].flatMap((table) => table.map(arrayOf)),
      this.usages.length === 0 ? null : JSON.stringify(this.usages),
      ...this.counters.parameters(),
    ];
  }

  /** Their last column; PostgreSQL makes nulls of what an array lacks, so one without counters is left empty. */
  private countersIn = (table: Columns): string => (this.counters.isEmpty ? '{}' : arrayOf(table.at(-1) ?? []));

  /** The verdicts, now that it has come true. */
  verdicts({ flush, free_before: before, used_before: usedBefore }: ApplyAnswer): RawVerdict[] {
    const free = before?.split(',') ?? [];
    return this.outcomes.map(({ verdict, entry, report, gain, weighed }) => ({
      verdict,
      entry: entry < 0 ? '' : ((flush ?? 0n) * ENTRIES_PER_FLUSH + BigInt(entry)).toString(),
      available: report < 0 ? '' : (BigInt(free[report] ?? 0) + gain).toString(),
      held: '',
      used: weighed === undefined ? '' : this.counters.usedOf(weighed, usedBefore),
    }));
  }

  private expect(operation: LedgerOperation): void {
    const { op, hold, entry, report, rows, counters = [], spent = 0n } = operation;
    let weighed: CounterGains | undefined;
    const number = entry === undefined ? -1 : this.entries[0].length;
    if (hold !== undefined) {
      const account = this.at(hold.account);
      const position = this.position(hold.account);
      if (hold.opens) {
        account.held += hold.atoms;
        account.holds = true;
        reach(account);
        const { at, until } = hold.opens;
        if (counters.length > 0) weighed = this.counters.hold(counters, hold.atoms);
        const customer = quoted(operation.customerId);
        add(this.open, hold.id, position, customer, hold.atoms, at, until, countersOf(operation));
      } else {
        account.held -= hold.atoms;
        const closing = entry === undefined ? 'NULL' : number;
        const hash = entry?.hash ?? 'NULL';
        add(this.close, hold.id, position, hold.atoms, STATES[op], closing, hash, countersOf(operation));
      }
    }
    if (hold?.opens === undefined) this.counters.close(counters, hold?.atoms ?? 0n, spent);
    if (entry !== undefined) this.post(operation, entry, number);
    const reported = report === undefined ? undefined : this.at(report);
    const gain = reported === undefined ? 0n : freeOf(reported);
    const account = report === undefined ? -1 : this.position(report) - 1;
    this.outcomes.push({ verdict: VERDICTS[op], entry: number, report: account, gain, weighed });
    if (!rows?.usage) return;
    const links = { entry: entry && number, account: report && account + 1, gain: report && gain.toString() };
    this.usages.push({ ...rows.usage, ...links });
  }

  private post({ op, customerId }: LedgerOperation, entry: EntryContent, number: number): void {
    const { key, hash, kind, effectiveAt = 'NULL', memo, corrects = 'NULL' } = entry;
    const facts = memo === undefined ? 'NULL' : quoted(JSON.stringify(memo));
    if (op === 'post') add(this.keys, quoted(key), hash, number);
    add(this.entries, quoted(kind), quoted(key), quoted(customerId), effectiveAt, facts, corrects);
    let line = 0;
    for (const movement of entry.movements) if (movement.atoms > 0n) this.move(movement, number, ++line);
    if (line === 0) add(this.lines, number, 0, 'NULL', 'NULL', 'NULL', 0, 'NULL', 'NULL');
    // An entry is refused as a whole: what counts is where its accounts are after its last line.
    for (const { debit } of entry.movements) reach(this.at(debit));
  }

  private move({ debit, credit, overflow, asset, atoms }: Movement, entry: number, line: number): void {
    const from = this.at(debit);
    const to = this.at(credit);
    from.debits += atoms;
    to.credits += atoms;
    if (overflow !== debit) {
      // What it cannot bear would go elsewhere, line by line.
      from.strict = true;
      reach(from);
    }
    const positions = [this.position(debit), this.position(credit)];
    add(this.lines, entry, line, ...positions, quoted(asset), atoms, postedOf(from), postedOf(to));
  }

  private position = (id: string): number => (this.positions.get(id) ?? -1) + 1;

  private at(id: string): ForecastAccount {
    const account = this.accounts[this.position(id) - 1];
    if (!account) throw new RangeError(`account ${id} is not in this flush`);
    return account;
  }
}

/** Of its id space: see the migration. */
const ENTRIES_PER_FLUSH = 512n;
const STATES = { hold: 'open', release: 'released', expire: 'expired', capture: 'captured', post: 'NULL' } as const;
const VERDICTS = { hold: 'H', release: 'R', expire: 'R', capture: 'P', post: 'P' } as const;

/** Of one operation, should everything go as it asks. */
interface Outcome {
  readonly verdict: 'H' | 'R' | 'P';
  /** The number of its entry, and the position of the account that it reports; -1 for none. */
  readonly entry: number;
  readonly report: number;
  /** What that account has gained by then. */
  readonly gain: bigint;
  readonly weighed: CounterGains | undefined;
}

interface ForecastAccount {
  readonly id: string;
  credits: bigint;
  debits: bigint;
  held: bigint;
  /** The least that is free on the way, told from what was free before. */
  low: bigint;
  strict: boolean;
  holds: boolean;
}

const postedOf = ({ credits, debits }: ForecastAccount): bigint => credits - debits;
const freeOf = ({ credits, debits, held }: ForecastAccount): bigint => credits - debits - held;

function reach(account: ForecastAccount): void {
  const free = freeOf(account);
  if (free < account.low) account.low = free;
}

type Columns = [unknown[], ...unknown[][]];
const columns = (count: number): Columns => Array.from({ length: count }, () => []) as unknown as Columns;

function add(table: Columns, ...cells: readonly unknown[]): void {
  cells.forEach((cell, index) => table[index]?.push(cell));
}
