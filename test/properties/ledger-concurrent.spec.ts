import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { accountIdsOf } from '../../src/ledger/ledger-operation';
import { startTemporaryPostgres } from '../../src/local/postgres';
import { migrate } from '../support/app';
import { brokenInvariants } from '../support/invariants';
import { LedgerModel } from '../support/ledger-model';
import { type Decided, statesAfter } from '../support/ledger-orders';
import { GUARDED, Names, RULES, type Step, unit, wordOf } from '../support/ledger-programs';
import { LedgerTables } from '../support/ledger-tables';
import { forkWriter, openWriter } from '../support/ledger-writers';

const RUNS = Number(process.env['LEDGER_RUNS'] ?? 25);
const SEED = Number(process.env['LEDGER_SEED'] ?? Date.now() % 1_000_000);
jest.setTimeout(60_000 + RUNS * 2_000);

/** What happens at the same time: one or two flushes of each writer, and one of their transactions. */
const units = fc.array(unit, { minLength: 1, maxLength: 2 });
const round = fc.record({ flushes: fc.tuple(units, units, units), transaction: unit, rollsBack: fc.boolean() });
const program = fc.array(round, { minLength: 1, maxLength: 5 });

/** Two writers in this process, one in a process of its own, and transactions of others that write the books. */
describe('several writers at once', () => {
  const stops: (() => Promise<void>)[] = [];
  let first: Awaited<ReturnType<typeof openWriter>>;
  let tables: LedgerTables;
  let decides: Awaited<ReturnType<typeof openWriter>>['decide'][];

  beforeAll(async () => {
    const postgres = await startTemporaryPostgres();
    stops.push(() => postgres.stop());
    await migrate(postgres.ownerUrl, postgres.url);
    first = await openWriter(postgres.url);
    tables = new LedgerTables(ask, postgres);
    const others = [await openWriter(postgres.url), await forkWriter(postgres.url)];
    stops.push(...[first, ...others].map((writer) => () => writer.stop()));
    decides = [first, ...others].map(({ decide }) => decide);
  });
  afterAll(async () => {
    for (const stop of stops.toReversed()) await stop();
  });

  const ask = (sql: string, parameters?: unknown[]) => first.database.query<any>(sql, parameters);

  it(`decide as if one had come after the other, and keep every invariant (seed ${SEED})`, async () => {
    let decided = 0;
    await fc.assert(
      fc.asyncProperty(program, async (rounds) => {
        const names = new Names(await tables.accounts(RULES), await tables.budgets(RULES));
        let models = [new LedgerModel(GUARDED, RULES)];
        for (const { flushes, transaction, rollsBack } of rounds) {
          const writers = await Promise.all([
            ...flushes.map((batches, index) => inFlushes(names, batches, index)),
            inTransaction(names, transaction, rollsBack),
          ]);
          const books = await tables.balancesOf(names.ids);
          const budgets = await tables.countersOf(names.budgets);
          const possible = statesAfter(models, names, writers);
          expect({ writers, possible: possible.length }).not.toEqual({ writers, possible: 0 });
          models = possible.filter((model) => isDeepStrictEqual(stateOf(model), { books, budgets }));
          expect({ writers, books, budgets, models: models.length }).not.toEqual({
            writers,
            books,
            budgets,
            models: 0,
          });
          expect(await brokenInvariants(ask)).toEqual([]);
          decided += writers.flat().reduce((sum, { steps }) => sum + steps.length, 0);
        }
      }),
      { numRuns: RUNS, seed: SEED },
    );
    expect(decided).toBeGreaterThan(RUNS);
  });

  const inFlushes = async (names: Names, batches: readonly Step[][], writer: number): Promise<Decided[]> => {
    const done: Decided[] = [];
    for (const steps of batches) {
      const verdicts = await decides[writer]?.(steps.map((step) => names.operation(step)));
      done.push({ steps, verdicts: verdicts?.map(wordOf) ?? [] });
    }
    return done;
  };

  const inTransaction = async (names: Names, steps: readonly Step[], rollsBack: boolean): Promise<Decided[]> => {
    for (;;) {
      const verdicts: string[] = [];
      try {
        await first.database.transaction(async (tx) => {
          verdicts.length = 0;
          // Several operations in one transaction: all their locks are taken at once, in the ledger's own order.
          await tx.query('SELECT FROM ledger_accounts WHERE id = ANY ($1::bigint[]) ORDER BY id FOR NO KEY UPDATE', [
            accountIdsOf(steps.map((step) => names.operation(step))),
          ]);
          for (const step of steps) verdicts.push(wordOf(await first.writer.write(tx, names.operation(step))));
          if (rollsBack) throw new RolledBackError();
        });
        return [{ steps, verdicts }];
      } catch (error) {
        if (error instanceof RolledBackError) return [{ steps, verdicts, undone: true }];
        // Somebody else's key or hold came first: who writes in a transaction of his own begins it again.
        if ((error as { code?: unknown }).code !== '23505') throw error;
      }
    }
  };
});

class RolledBackError extends Error {}

const stateOf = (model: LedgerModel) => ({
  books: model.accounts.map(({ credits, debits, held, frozen }) => ({ credits, debits, held, frozen })),
  budgets: model.counters.map(({ held, spent }) => ({ held, spent })),
});
