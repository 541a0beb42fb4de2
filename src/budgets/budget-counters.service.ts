import { Injectable } from '@nestjs/common';
import { MOST_LISTED } from '../common/reconciliation-side';
import type { Period } from '../common/period';
import type { Budget, Spending } from '../customers/spending';
import { DatabaseService } from '../database/database.service';
import { periodOf } from './budget-period';

const MAX_KNOWN = 100_000;

/** A budget that a call weighs on, and the counter of the period in which it was let in. */
export interface Weight {
  readonly budget: Budget;
  readonly period: Period;
  readonly counterId: string;
}

/** A counter as it is now, in nano-USD. */
export interface Counter {
  readonly spent: bigint;
  readonly held: bigint;
}

/** One row per budget and period: made here when it is first used, moved by the ledger with every hold and capture. */
@Injectable()
export class BudgetCounters {
  private readonly ids = new Map<string, string>();

  constructor(private readonly database: DatabaseService) {}

  /** What a call of this key weighs on, by ascending counter. Nothing is asked for budgets that were used before. */
  async weightsOf(customerId: string, keyId: string, spending: Spending, instant: Date): Promise<readonly Weight[]> {
    const weights: Weight[] = [];
    for (const budget of spending.budgets) {
      if (budget.keyId !== null && budget.keyId !== keyId) continue;
      weights.push(await this.weightOf(customerId, spending.timeZone, budget, instant));
    }
    return weights.toSorted((a, b) => Number(BigInt(a.counterId) - BigInt(b.counterId)));
  }

  /** The counter of the period of the customer's calendar in which `instant` is. */
  async weightOf(customerId: string, timeZone: string, budget: Budget, instant: Date): Promise<Weight> {
    const period = periodOf(instant, budget.period, timeZone);
    const name = `${budget.id} ${period.from.getTime()} ${period.to.getTime()}`;
    const counterId = this.ids.get(name) ?? (await this.learn(name, customerId, budget, period));
    return { budget, period, counterId };
  }

  /** In the order of `weights`. */
  async read(weights: readonly Weight[]): Promise<Counter[]> {
    const rows = await this.database.query<{ id: bigint; spent_atoms: bigint; held_atoms: bigint }>(
      'SELECT id, spent_atoms, held_atoms FROM budget_counters WHERE id = ANY ($1::bigint[])',
      [weights.map(({ counterId }) => counterId)],
    );
    const found = new Map(rows.map((row) => [row.id.toString(), row]));
    return weights.map(({ counterId }) => {
      const row = found.get(counterId);
      return { spent: row?.spent_atoms ?? 0n, held: row?.held_atoms ?? 0n };
    });
  }

  /** Counters that say something else of what calls hold than the open holds do, in nano-USD. At most `MOST_LISTED`. */
  differing(): Promise<{ id: bigint; held: bigint; holds: bigint }[]> {
    return this.database.query(DIFFERING);
  }

  private async learn(name: string, customerId: string, budget: Budget, period: Period): Promise<string> {
    const key = [budget.id, period.from];
    const find = () =>
      this.database.query<{ id: bigint }>(
        'SELECT id FROM budget_counters WHERE budget_id = $1 AND period_from = $2',
        key,
      );
    let [row] = await find();
    if (!row) {
      await this.database.query(MAKE, [...key, period.to, budget.limit, budget.hard, customerId, budget.keyId]);
      [row] = await find();
    }
    if (!row) throw new Error(`the counter of budget ${budget.id} could not be made`);
    if (this.ids.size >= MAX_KNOWN) this.ids.clear();
    this.ids.set(name, row.id.toString());
    return row.id.toString();
  }
}

/**
 * What was used in this period before anybody counted is spent, and what calls hold that were let in in it weighs on it
 * from now on: a budget that is made, or a calendar that is changed, in mid-period neither forgives nor invents anything.
 */
const MAKE = 'SELECT make_budget_counter($1, $2, $3, $4, $5, $6, $7)';

/** A hold names the counters that it weighs on. One statement, and so one moment. */
const DIFFERING = `
  SELECT counter.id, held_atoms AS held, coalesce(open.atoms, 0)::bigint AS holds
    FROM budget_counters counter
    LEFT JOIN (SELECT s.id::bigint AS id, sum(atoms) AS atoms FROM holds, string_to_table(counters, ',') AS s(id)
                WHERE state = 'open' AND counters IS NOT NULL GROUP BY 1) open ON open.id = counter.id
   WHERE held_atoms <> coalesce(open.atoms, 0) ORDER BY counter.id LIMIT ${MOST_LISTED}`;
