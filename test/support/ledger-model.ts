/** What the ledger's flush decides, in the fewest words: one operation after the other, on plain objects. */
export class LedgerModel {
  readonly accounts: { credits: bigint; debits: bigint; held: bigint; guarded: boolean; frozen: boolean }[];
  private readonly holds = new Map<string, { account: number; atoms: bigint; state: string; captured?: string }>();
  private readonly keys = new Map<string, string>();

  constructor(guarded: readonly boolean[]) {
    this.accounts = guarded.map((isGuarded) => ({
      credits: 0n,
      debits: 0n,
      held: 0n,
      guarded: isGuarded,
      frozen: false,
    }));
  }

  /** Another one in the same state, to try what would follow. */
  copy(): LedgerModel {
    const copy = new LedgerModel([]);
    copy.accounts.push(...this.accounts.map((account) => ({ ...account })));
    for (const [id, hold] of this.holds) copy.holds.set(id, { ...hold });
    for (const [key, lines] of this.keys) copy.keys.set(key, lines);
    return copy;
  }

  /** The whole state: two models with the same text decide everything alike. */
  text(): string {
    const state = [this.accounts, [...this.holds].toSorted(byFirst), [...this.keys].toSorted(byFirst)];
    return JSON.stringify(state, (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value));
  }

  available(account: number): bigint {
    const { credits, debits, held } = this.at(account);
    return credits - debits - held;
  }

  hold(id: string, account: number, atoms: bigint): string {
    const first = this.holds.get(id);
    if (first) return first.account === account && first.atoms === atoms ? 'replayed' : 'key_conflict';
    if (this.at(account).frozen) return 'frozen';
    if (this.available(account) < atoms) return 'insufficient';
    this.at(account).held += atoms;
    this.holds.set(id, { account, atoms, state: 'open' });
    return 'held';
  }

  /** `account` is where the caller believes the hold to be. */
  release(id: string, account?: number): string {
    const hold = this.holds.get(id);
    if (hold?.state !== 'open') return 'hold_closed';
    if (account !== undefined && hold.account !== account) return 'key_conflict';
    this.at(hold.account).held -= hold.atoms;
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
      return 'posted';
    }
    this.at(hold.account).held += hold.atoms;
    return 'insufficient';
  }

  post(key: string, lines: readonly Line[]): string {
    const first = this.keys.get(key);
    if (first !== undefined) return first === text(lines) ? 'replayed' : 'key_conflict';
    if (!this.moved(lines)) return 'insufficient';
    this.keys.set(key, text(lines));
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

  private at(account: number) {
    const found = this.accounts[account];
    if (!found) throw new RangeError(`no account ${account}`);
    return found;
  }
}

export interface Line {
  readonly from: number;
  readonly to: number;
  readonly atoms: bigint;
  readonly overflow?: number | undefined;
}

const byFirst = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number => (a < b ? -1 : 1);

const text = (lines: readonly Line[]): string =>
  JSON.stringify(lines.map(({ from, to, atoms, overflow }) => [from, to, atoms.toString(), overflow ?? null]));
