import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { instantOf, newId } from '../../src/common/id';
import { DatabaseService } from '../../src/database/database.service';
import type { EntryContent, LedgerOperation } from '../../src/ledger/ledger-operation';
import { LedgerVerifyService } from '../../src/ledger/ledger-verify.service';
import { FlushClient } from '../../src/ledger/flush.client';
import { VERDICTS } from '../../src/ledger/verdict';
import { startTestApp, type TestApp } from '../support/app';
import { type Line, LedgerModel, type Rules, takenFrom } from '../support/ledger-model';
import { GUARDED } from '../support/ledger-programs';
import { LedgerTables } from '../support/ledger-tables';

/** Beside three customers that are spent from: a place where money comes from and goes to, and their debts. */
const HOUSE = 4;
const DEBT = 3;
const RUNS = Number(process.env['LEDGER_RUNS'] ?? 25);
const SEED = Number(process.env['LEDGER_SEED'] ?? Date.now() % 1_000_000);

let app: TestApp;
let client: FlushClient;
let tables: LedgerTables;

beforeAll(async () => {
  app = await startTestApp({ JOBS_IN_PROCESS: 'false' });
  const database = app.app.get(DatabaseService);
  client = new FlushClient(database);
  tables = new LedgerTables((sql, parameters) => database.query(sql, parameters), app);
});
afterAll(() => app?.stop());

const customer = fc.integer({ min: 0, max: 2 });
/** Of two budgets, those that a hold weighs on. */
const counters = fc.constantFrom<number[][]>([], [0], [1], [0, 1]);
const RULES = fc.record({
  creditLimits: fc.tuple(fc.constantFrom(0n, 0n, 25n), fc.constant(0n), fc.constant(0n)),
  budgets: fc.tuple(
    fc.record({ limit: fc.bigInt(0n, 200n), hard: fc.constant(true) }),
    fc.record({ limit: fc.bigInt(0n, 200n), hard: fc.boolean() }),
  ),
});
/** What somebody else sets between two flushes: credit of a customer ends, or not any more; it is watched. */
const change = fc.option(
  fc.record({ account: customer, expired: fc.boolean(), watch: fc.option(fc.bigInt(-30n, 80n), { nil: null }) }),
  { nil: undefined },
);
const atoms = fc.bigInt({ min: 0n, max: 60n });
const name = fc.integer({ min: 0, max: 11 });
const line: fc.Arbitrary<Line> = fc.oneof(
  fc.record({ from: fc.constant(HOUSE), to: customer, atoms }),
  fc.record({
    from: customer,
    to: fc.constant(HOUSE),
    atoms,
    overflow: fc.option(fc.constant(DEBT), { nil: undefined }),
  }),
);
const lines = fc.array(line, { minLength: 0, maxLength: 3 });
const step = fc.oneof(
  fc.record({ op: fc.constant('hold' as const), hold: name, account: customer, atoms, counters }),
  fc.record({ op: fc.constant('release' as const), hold: name }),
  fc.record({ op: fc.constant('capture' as const), hold: name, key: name, lines }),
  fc.record({ op: fc.constant('post' as const), key: name, lines, counters, account: customer }),
);
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

const closed = { c: 'hold_closed', r: 'hold_closed', x: 'hold_closed', n: 'hold_closed' };
const WORDS = { ...VERDICTS, ...closed };

/** Accounts, holds and keys of one run are its own. */
class Run {
  readonly model: LedgerModel;
  private readonly keys = Array.from({ length: 12 }, newId);
  private readonly holds = Array.from({ length: 12 }, newId);
  private readonly opened = new Map<number, { account: number; atoms: bigint; counters: readonly number[] }>();

  constructor(
    readonly ids: readonly string[],
    readonly budgets: readonly string[],
    rules: Rules,
  ) {
    this.model = new LedgerModel(GUARDED, rules);
  }

  expected(taken: Step): string {
    if (taken.op === 'hold') {
      const verdict = this.model.hold(this.hold(taken.hold), taken.account, taken.atoms, taken.counters);
      if (verdict === 'held') this.opened.set(taken.hold, taken);
      return verdict;
    }
    if (taken.op === 'release') return this.model.release(this.hold(taken.hold));
    if (taken.op === 'capture') return this.model.capture(this.hold(taken.hold), taken.lines);
    return this.model.post(this.key(taken.key), taken.lines, taken);
  }

  operation(taken: Step): LedgerOperation {
    const shared = { op: taken.op, customerId: null };
    if (taken.op === 'post') {
      const weighs = { counters: this.of(taken.counters), spent: takenFrom(taken.account, taken.lines) };
      return { ...shared, ...weighs, entry: this.entry(taken.key, taken.lines) };
    }
    const opened = this.opened.get(taken.hold);
    const hold = { id: this.hold(taken.hold), account: this.id(opened?.account ?? 0), atoms: opened?.atoms ?? 0n };
    const closing = { ...shared, hold, counters: this.of(opened?.counters ?? []) };
    if (taken.op === 'capture') {
      const entry = this.entry(taken.key, taken.lines);
      return { ...closing, entry, spent: takenFrom(opened?.account ?? 0, taken.lines) };
    }
    if (taken.op === 'release') return closing;
    const opens = { at: instantOf(hold.id).toISOString(), until: '2100-01-01T00:00:00Z' };
    const opening = { id: hold.id, account: this.id(taken.account), atoms: taken.atoms, opens };
    return { ...shared, hold: opening, counters: this.of(taken.counters) };
  }

  private entry(key: number, lines: readonly Line[]): EntryContent {
    const hash = createHash('md5')
      .update(JSON.stringify(lines.map(hashed)))
      .digest('hex');
    const movements = lines.map(({ from, to, atoms: moved, overflow }) => ({
      debit: this.id(from),
      credit: this.id(to),
      overflow: this.id(overflow ?? from),
      asset: 'USD',
      atoms: moved,
    }));
    return { key: this.key(key), kind: 'te"s\\t, {}', hash, movements };
  }

  private hold = (index: number): string => this.holds[index] as string;
  private key = (index: number): string => this.keys[index] as string;
  private id = (index: number): string => this.ids[index] as string;
  private of = (indexes: readonly number[]): string[] => indexes.map((index) => this.budgets[index] as string);
}

const hashed = ({ from, to, atoms: moved, overflow }: Line) => [from, to, moved.toString(), overflow ?? null];

const batches = fc.array(fc.tuple(change, fc.array(step, { maxLength: 12 })), { maxLength: 8 });

test(`any operations in any batches are decided as one after the other (seed ${SEED})`, async () => {
  await fc.assert(
    fc.asyncProperty(RULES, batches, async (rules, history) => {
      const run = new Run(await tables.accounts(rules), await tables.budgets(rules), rules);
      const watches = new Map<number, bigint>();
      const crossings: string[] = [];
      for (const [changed, batch] of history) {
        if (changed) {
          const { account, expired, watch } = changed;
          await tables.set(run.ids[account] as string, changed);
          Object.assign(run.model.accounts[account] ?? {}, { expired });
          if (watch === null) watches.delete(account);
          else watches.set(account, watch);
        }
        const apart = withoutSharedNames(batch);
        const before = run.model.accounts.map(({ debits }) => debits);
        const expected = apart.map((taken) => run.expected(taken));
        const verdicts = await client.send(apart.map((taken) => run.operation(taken)));
        expect(verdicts.map(({ verdict }) => WORDS[verdict])).toEqual(expected);
        expect(await tables.balancesOf(run.ids)).toEqual(
          run.model.accounts.map(({ credits, debits, held, frozen }) => ({ credits, debits, held, frozen })),
        );
        expect(await tables.countersOf(run.budgets)).toEqual(
          run.model.counters.map(({ held, spent }) => ({ held, spent })),
        );
        // Who was debited and is below what is watched is told of, once.
        for (const [account, watch] of watches) {
          const { credits = 0n, debits = 0n } = run.model.accounts[account] ?? {};
          if (debits === before[account] || credits - debits >= watch) continue;
          watches.delete(account);
          crossings.push(run.ids[account] as string);
        }
        expect(await tables.crossingsOf(run.ids)).toEqual(crossings.toSorted((a, b) => Number(a) - Number(b)));
      }
    }),
    { numRuns: RUNS, seed: SEED },
  );
  const { checks } = await app.app.get(LedgerVerifyService).verify();
  const withoutCalls = checks.filter((check) => !/call|usage/i.test(check.name));
  expect(withoutCalls.filter((check) => !check.ok)).toEqual([]);
});

test('a hold tells what is used of its budgets, alone and behind others of its flush', async () => {
  const rules = {
    budgets: [
      { limit: 50n, hard: true },
      { limit: 50n, hard: false },
    ],
  };
  const run = new Run(await tables.accounts(rules), await tables.budgets(rules), rules);
  const send = async (...steps: Step[]) => {
    steps.forEach((taken) => run.expected(taken));
    return (await client.send(steps.map((taken) => run.operation(taken)))).map(({ used }) => used);
  };
  const hold = (index: number, weighs: number[]): Step => ({
    op: 'hold',
    hold: index,
    account: 0,
    atoms: 10n,
    counters: weighs,
  });
  await send({ op: 'post', key: 0, lines: [{ from: HOUSE, to: 0, atoms: 100n }], counters: [], account: 0 });
  expect(await send(hold(0, [0]), hold(1, [0, 1]), hold(2, []))).toEqual(['10', '20,10', '']);
  expect(await send(hold(3, [1, 0]))).toEqual(['20,30']);
  // Decided one by one, for one is refused.
  expect(await send(hold(4, [0]), hold(5, [0, 1]), hold(6, [0]), hold(7, [1]))).toEqual(['40', '50,30', '', '40']);
});

/** The writer parks whoever shares a name with one before; here everybody is to be in the same flush. */
function withoutSharedNames(batch: readonly Step[]): Step[] {
  const seen = new Set<string>();
  return batch.filter((taken) => {
    const names = [...('hold' in taken ? [`hold ${taken.hold}`] : []), ...('key' in taken ? [`key ${taken.key}`] : [])];
    if (names.some((one) => seen.has(one))) return false;
    names.forEach((one) => seen.add(one));
    return true;
  });
}
