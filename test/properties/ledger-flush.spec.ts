import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { instantOf, newId } from '../../src/common/id';
import { DatabaseService } from '../../src/database/database.service';
import type { EntryContent, LedgerOperation } from '../../src/ledger/ledger-operation';
import { LedgerVerifyService } from '../../src/ledger/ledger-verify.service';
import { FlushClient } from '../../src/ledger/flush.client';
import { VERDICTS } from '../../src/ledger/verdict';
import { startTestApp, type TestApp } from '../support/app';
import { type Line, LedgerModel } from '../support/ledger-model';

/** Three customers that are spent from, their debts, and a place where money comes from and goes to. */
const GUARDED = [true, true, true, false, false];
const HOUSE = 4;
const DEBT = 3;
const RUNS = Number(process.env['LEDGER_RUNS'] ?? 25);
const SEED = Number(process.env['LEDGER_SEED'] ?? Date.now() % 1_000_000);

let app: TestApp;
let client: FlushClient;

beforeAll(async () => {
  app = await startTestApp({ JOBS_IN_PROCESS: 'false' });
  client = new FlushClient(app.app.get(DatabaseService));
});
afterAll(() => app?.stop());

const customer = fc.integer({ min: 0, max: 2 });
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
  fc.record({ op: fc.constant('hold' as const), hold: name, account: customer, atoms }),
  fc.record({ op: fc.constant('release' as const), hold: name }),
  fc.record({ op: fc.constant('capture' as const), hold: name, key: name, lines }),
  fc.record({ op: fc.constant('post' as const), key: name, lines }),
);
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

const closed = { c: 'hold_closed', r: 'hold_closed', x: 'hold_closed', n: 'hold_closed' };
const WORDS = { ...VERDICTS, ...closed };

/** Accounts, holds and keys of one run are its own. */
class Run {
  readonly model = new LedgerModel(GUARDED);
  private readonly keys = Array.from({ length: 12 }, newId);
  private readonly holds = Array.from({ length: 12 }, newId);
  private readonly opened = new Map<number, { account: number; atoms: bigint }>();

  constructor(readonly ids: readonly string[]) {}

  expected(taken: Step): string {
    if (taken.op === 'hold') {
      const verdict = this.model.hold(this.hold(taken.hold), taken.account, taken.atoms);
      if (verdict === 'held') this.opened.set(taken.hold, taken);
      return verdict;
    }
    if (taken.op === 'release') return this.model.release(this.hold(taken.hold));
    if (taken.op === 'capture') return this.model.capture(this.hold(taken.hold), taken.lines);
    return this.model.post(this.key(taken.key), taken.lines);
  }

  operation(taken: Step): LedgerOperation {
    const shared = { op: taken.op, customerId: null };
    if (taken.op === 'post') return { ...shared, entry: this.entry(taken.key, taken.lines) };
    const opened = this.opened.get(taken.hold);
    const hold = { id: this.hold(taken.hold), account: this.id(opened?.account ?? 0), atoms: opened?.atoms ?? 0n };
    if (taken.op === 'capture') return { ...shared, hold, entry: this.entry(taken.key, taken.lines) };
    if (taken.op === 'release') return { ...shared, hold };
    const opens = { at: instantOf(hold.id).toISOString(), until: '2100-01-01T00:00:00Z' };
    return { ...shared, hold: { id: hold.id, account: this.id(taken.account), atoms: taken.atoms, opens } };
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
}

const hashed = ({ from, to, atoms: moved, overflow }: Line) => [from, to, moved.toString(), overflow ?? null];

test(`any operations in any batches are decided as one after the other (seed ${SEED})`, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(step, { maxLength: 12 }), { maxLength: 8 }), async (batches) => {
      const run = new Run(await fiveAccounts());
      for (const batch of batches) {
        const apart = withoutSharedNames(batch);
        const expected = apart.map((taken) => run.expected(taken));
        const verdicts = await client.send(apart.map((taken) => run.operation(taken)));
        expect(verdicts.map(({ verdict }) => WORDS[verdict])).toEqual(expected);
        expect(await balancesOf(run.ids)).toEqual(
          run.model.accounts.map(({ credits, debits, held, frozen }) => ({ credits, debits, held, frozen })),
        );
      }
    }),
    { numRuns: RUNS, seed: SEED },
  );
  const { checks } = await app.app.get(LedgerVerifyService).verify();
  const withoutCalls = checks.filter((check) => !/call|usage/i.test(check.name));
  expect(withoutCalls.filter((check) => !check.ok)).toEqual([]);
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

async function fiveAccounts(): Promise<string[]> {
  const rows = await app.app.get(DatabaseService).query<{ id: bigint }>(
    `INSERT INTO ledger_accounts (code, asset, guarded)
     SELECT gen_random_uuid()::text, 'USD', guarded FROM unnest($1::boolean[]) WITH ORDINALITY AS g(guarded, n) ORDER BY n
     RETURNING id`,
    [GUARDED],
  );
  return rows.map(({ id }) => id.toString()).toSorted((a, b) => Number(a) - Number(b));
}

const balancesOf = (ids: readonly string[]) =>
  app.app.get(DatabaseService).query(
    `SELECT credits_posted AS credits, debits_posted AS debits, held, frozen FROM ledger_accounts
      WHERE id = ANY ($1::bigint[]) ORDER BY id`,
    [ids],
  );
