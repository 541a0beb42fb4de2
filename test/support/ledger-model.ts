/** What the ledger's flush decides, in the fewest words: one operation after the other, on plain objects. */
export class LedgerModel {
  readonly accounts: ModelAccount[];
  readonly counters: ModelCounter[];
  private readonly holds = new Map<string, ModelHold>();
  private readonly keys = new Map<string, string>();

  constructor(guarded: readonly boolean[], rules: Rules = {}) {
    this.accounts = guarded.map((isGuarded, index) => ({
      credits: 0n,
      debits: 0n,
      held: 0n,
      guarded: isGuarded,
      frozen: false,
      limit: rules.creditLimits?.[index] ?? 0n,
      expired: false,
    }));
    this.counters = (rules.budgets ?? []).map((budget) => ({ ...budget, held: 0n, spent: 0n }));
  }

  /** Another one in the same state, to try what would follow. */
  copy(): LedgerModel {
    const copy = new LedgerModel([]);
    copy.accounts.push(...this.accounts.map((account) => ({ ...account })));
    copy.counters.push(...this.counters.map((counter) => ({ ...counter })));
    for (const [id, hold] of this.holds) copy.holds.set(id, { ...hold });
    for (const [key, lines] of this.keys) copy.keys.set(key, lines);
    return copy;
  }

  /** The whole state: two models with the same text decide everything alike. */
  text(): string {
    const state = [this.accounts, this.counters, [...this.holds].toSorted(byFirst), [...this.keys].toSorted(byFirst)];
    return JSON.stringify(state, (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value));
  }

  /** What may still be spent of it. */
  available(account: number): bigint {
    const { credits, debits, held, limit } = this.at(account);
    return credits - debits - held + limit;
  }

  /** `counters`: the budgets that it weighs on. */
  hold(id: string, account: number, atoms: bigint, counters: readonly number[] = []): string {
    const first = this.holds.get(id);
    if (first) return first.account === account && first.atoms === atoms ? 'replayed' : 'key_conflict';
    if (this.at(account).frozen) return 'frozen';
    if (this.at(account).expired) return 'expiry_due';
    if (this.available(account) < atoms) return 'insufficient';
    if (this.weighed(counters).some(({ hard, limit, held, spent }) => hard && held + spent + atoms > limit)) {
      return 'budget_exceeded';
    }
    this.at(account).held += atoms;
    for (const counter of this.weighed(counters)) counter.held += atoms;
    this.holds.set(id, { account, atoms, counters, state: 'open' });
    return 'held';
  }

  /** `account` is where the caller believes the hold to be. */
  release(id: string, account?: number): string {
    const hold = this.holds.get(id);
    if (hold?.state !== 'open') return 'hold_closed';
    if (account !== undefined && hold.account !== account) return 'key_conflict';
    this.at(hold.account).held -= hold.atoms;
    for (const counter of this.weighed(hold.counters)) counter.held -= hold.atoms;
    hold.state = 'released';
    return 'released';
  }

  /** A capture is known by its hold, a post by its key. */
  capture(id: string, lines: readonly Line[], account?: number): string {
    const hold = this.holds.get(id);
    if (hold?.captured !== undefined) return hold.captured === text(lines) ? 'replayed' : 'key_conflict';
    if (hold?.state !== 'open') return 'hold_closed';
    if (account !== undefined && hold.account !== account) return 'key_conflict';
    this.at(hold.account).held -= hold.atoms;
    if (this.moved(lines)) {
      Object.assign(hold, { state: 'captured', captured: text(lines) });
      for (const counter of this.weighed(hold.counters)) {
        counter.held -= hold.atoms;
        counter.spent += takenFrom(hold.account, lines);
      }
      return 'posted';
    }
    this.at(hold.account).held += hold.atoms;
    return 'insufficient';
  }

  /** `spends`: from which account it spends, and of which budgets, as a capture whose hold has expired. */
  post(key: string, lines: readonly Line[], spends?: { account: number; counters: readonly number[] }): string {
    const first = this.keys.get(key);
    if (first !== undefined) return first === text(lines) ? 'replayed' : 'key_conflict';
    if (!this.moved(lines)) return 'insufficient';
    this.keys.set(key, text(lines));
    for (const counter of this.weighed(spends?.counters ?? [])) counter.spent += takenFrom(spends?.account, lines);
    return 'posted';
  }

  /** All lines or none. */
  private moved(lines: readonly Line[]): boolean {
    const before = this.accounts.map((account) => ({ ...account }));
    for (const line of lines) this.move(line);
    const short = lines.some(({ from }) => this.at(from).guarded && this.available(from) < 0n);
    if (short) this.accounts.splice(0, this.accounts.length, ...before);
    return !short;
  }

  private move({ from, to, atoms, overflow }: Line): void {
    const free = this.available(from) > 0n ? this.available(from) : 0n;
    const taken = overflow === undefined || free >= atoms ? atoms : free;
    if (taken < atoms) this.at(from).frozen = true;
    this.at(from).debits += taken;
    this.at(overflow ?? from).debits += atoms - taken;
    this.at(to).credits += atoms;
  }

  private at(account: number): ModelAccount {
    const found = this.accounts[account];
    if (!found) throw new RangeError(`no account ${account}`);
    return found;
  }

  private weighed = (counters: readonly number[]): ModelCounter[] =>
    counters.flatMap((index) => this.counters[index] ?? []);
}

/** What is asked of holds beside the balance. */
export interface Rules {
  /** Per account, how far below zero it may go. */
  readonly creditLimits?: readonly bigint[];
  readonly budgets?: readonly { readonly limit: bigint; readonly hard: boolean }[];
}

interface ModelAccount {
  credits: bigint;
  debits: bigint;
  held: bigint;
  readonly guarded: boolean;
  frozen: boolean;
  readonly limit: bigint;
  /** Credit of it has expired, and that is not booked yet. */
  expired: boolean;
}

interface ModelCounter {
  readonly limit: bigint;
  readonly hard: boolean;
  held: bigint;
  spent: bigint;
}

interface ModelHold {
  readonly account: number;
  readonly atoms: bigint;
  readonly counters: readonly number[];
  state: string;
  captured?: string;
}

/** What lines take from an account, with what it could not bear. */
export const takenFrom = (account: number | undefined, lines: readonly Line[]): bigint =>
  lines.reduce((sum, { from, atoms }) => (from === account ? sum + atoms : sum), 0n);

export interface Line {
  readonly from: number;
  readonly to: number;
  readonly atoms: bigint;
  readonly overflow?: number | undefined;
}

const byFirst = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number => (a < b ? -1 : 1);

const text = (lines: readonly Line[]): string =>
  JSON.stringify(lines.map(({ from, to, atoms, overflow }) => [from, to, atoms.toString(), overflow ?? null]));
