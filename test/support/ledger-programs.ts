import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { instantOf, newId } from '../../src/common/id';
import type { EntryContent, LedgerOperation } from '../../src/ledger/ledger-operation';
import { type RawVerdict, VERDICTS } from '../../src/ledger/verdict';
import { type Line, type LedgerModel, type Rules, takenFrom } from './ledger-model';

/** Three customers that are spent from, their debts, and a place where money comes from and goes to. */
export const GUARDED = [true, true, true, false, false];
/** Two budgets that two of the customers share, and one that may go below zero. */
export const RULES: Rules = {
  creditLimits: [20n],
  budgets: [
    { limit: 150n, hard: true },
    { limit: 60n, hard: false },
  ],
};
const DEBT = 3;
const HOUSE = 4;
/** Few names, so that everybody meets everybody's keys and holds. */
const NAMES = 8;

const customer = fc.integer({ min: 0, max: 2 });
const name = fc.integer({ min: 0, max: NAMES - 1 });
const atoms = fc.bigInt({ min: 0n, max: 60n });
const line: fc.Arbitrary<Line> = fc.oneof(
  fc.record({ from: fc.constant(HOUSE), to: customer, atoms }),
  fc.record({
    from: customer,
    to: fc.constant(HOUSE),
    atoms,
    overflow: fc.option(fc.constant(DEBT), { nil: undefined }),
  }),
  fc.record({ from: customer, to: customer, atoms }).filter(({ from, to }) => from !== to),
);
const lines = fc.array(line, { maxLength: 3 });
/** Mostly what the name is meant for, so that a repeat repeats; else anything, so that it meets a conflict. */
const usually = <Value>(meant: Value, any: fc.Arbitrary<Value>) =>
  fc.oneof({ weight: 4, arbitrary: fc.constant(meant) }, { weight: 1, arbitrary: any });
const fixed = fc.sample(fc.tuple(atoms, lines), { numRuns: NAMES, seed: 7 });
const at = (index: number) => fixed[index] as [bigint, Line[]];

export const step = name.chain((n) =>
  fc.oneof(
    fc.record({
      op: fc.constant('hold' as const),
      name: fc.constant(n),
      account: usually(n % 3, customer),
      atoms: usually(at(n)[0], atoms),
      counters: fc.constantFrom([], [0], [0, 1]),
    }),
    fc.record({
      op: fc.constantFrom('release' as const, 'expire' as const),
      name: fc.constant(n),
      account: usually(n % 3, customer),
    }),
    fc.record({
      op: fc.constant('capture' as const),
      name: fc.constant(n),
      account: usually(n % 3, customer),
      lines: usually(at(n)[1], lines),
    }),
    fc.record({ op: fc.constant('post' as const), name: fc.constant(n), lines: usually(at(n)[1], lines) }),
  ),
);
export type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

/** What is decided together: a flush has no two operations of one name, for the writer would part them. */
export const unit = fc
  .array(step, { minLength: 1, maxLength: 6 })
  .map((steps) => [...new Map(steps.map((taken) => [`${taken.op === 'post'} ${taken.name}`, taken])).values()]);

/** Accounts, keys and holds of one run, which no other run touches. */
export class Names {
  private readonly keys = Array.from({ length: NAMES }, newId);
  private readonly holds = Array.from({ length: NAMES }, newId);

  private readonly opened = new Map<number, { atoms: bigint; counters: string[] }>();

  /** @param ids Of the accounts, guarded as in `GUARDED`; those and the budgets' in ascending order. */
  constructor(
    readonly ids: readonly string[],
    readonly budgets: readonly string[],
  ) {}

  /** Returns the model's verdict, and does it there. */
  decide(model: LedgerModel, taken: Step): string {
    const name = `${taken.name}`;
    if (taken.op === 'hold') return model.hold(name, taken.account, taken.atoms, taken.counters);
    if (taken.op === 'capture') return model.capture(name, taken.lines, taken.account);
    return taken.op === 'post' ? model.post(name, taken.lines) : model.release(name, taken.account);
  }

  operation(taken: Step): LedgerOperation {
    const { op } = taken;
    if (op === 'post') return { op, customerId: null, entry: this.entry(this.keys[taken.name] as string, taken.lines) };
    const id = this.holds[taken.name] as string;
    // What a capture believes of its hold is mostly right, and need not be.
    if (op === 'hold') {
      const counters = taken.counters.map((index) => this.budgets[index] as string);
      this.opened.set(taken.name, { atoms: taken.atoms, counters });
    }
    const { atoms: held, counters } = this.opened.get(taken.name) ?? { atoms: 0n, counters: [] };
    const hold = { id, account: this.id(taken.account), atoms: held };
    const shared = { op, customerId: null, hold, counters };
    if (op === 'capture') {
      const spent = takenFrom(taken.account, taken.lines);
      return { ...shared, entry: this.entry(`call:${id}`, taken.lines), spent };
    }
    if (op !== 'hold') return shared;
    const opens = { at: instantOf(id).toISOString(), until: '2100-01-01T00:00:00Z' };
    return { ...shared, hold: { ...hold, opens } };
  }

  private entry(key: string, moved: readonly Line[]): EntryContent {
    const content = moved.map(({ from, to, atoms: n, overflow }) => [from, to, n.toString(), overflow ?? null]);
    const movements = moved.map(({ from, to, atoms: n, overflow }) => ({
      debit: this.id(from),
      credit: this.id(to),
      overflow: this.id(overflow ?? from),
      asset: 'USD',
      atoms: n,
    }));
    const hash = createHash('md5').update(JSON.stringify(content)).digest('hex');
    return { key, kind: 'property', hash, movements };
  }

  private readonly id = (index: number): string => this.ids[index] as string;
}

const CLOSED = { c: 'hold_closed', r: 'hold_closed', x: 'hold_closed', n: 'hold_closed' };

/** A verdict in the model's words. */
export const wordOf = ({ verdict }: RawVerdict): string => ({ ...VERDICTS, ...CLOSED })[verdict];
