import { randomUUID } from 'node:crypto';
import type { Ask } from './invariants';
import type { Rules } from './ledger-model';
import { GUARDED } from './ledger-programs';
import { asOwner } from './owner';

/** Accounts and budgets that one history has for itself, beside those of others. */
export class LedgerTables {
  constructor(
    private readonly ask: Ask,
    private readonly owner: { readonly ownerUrl: string },
  ) {}

  /** Five accounts as in `GUARDED`, with the credit limits of `rules`: their ids in ascending order. */
  async accounts({ creditLimits = [] }: Rules): Promise<string[]> {
    const rows = await this.ask(
      `INSERT INTO ledger_accounts (code, asset, guarded)
       SELECT gen_random_uuid()::text, 'USD', guarded FROM unnest($1::boolean[]) WITH ORDINALITY AS g(guarded, n)
        ORDER BY n RETURNING id`,
      [GUARDED],
    );
    const ids = ascending(rows);
    for (const [index, atoms] of creditLimits.entries()) {
      if (atoms === 0n) continue;
      const limit = [ids[index], atoms];
      await asOwner(this.owner, ['UPDATE ledger_accounts SET credit_limit = $2 WHERE id = $1', limit]);
    }
    return ids;
  }

  /** A counter for each budget of `rules`: their ids in ascending order. */
  async budgets({ budgets = [] }: Rules): Promise<string[]> {
    const names = budgets.map(() => randomUUID());
    const [limits, hard] = [budgets.map(({ limit }) => limit), budgets.map((budget) => budget.hard)];
    await asOwner(this.owner, [
      `INSERT INTO budget_counters (budget_id, period_from, period_to, limit_atoms, hard)
       SELECT name, now(), 'infinity', atoms, hard
         FROM unnest($1::text[], $2::bigint[], $3::boolean[]) WITH ORDINALITY AS b(name, atoms, hard, n) ORDER BY n`,
      [names, limits, hard],
    ]);
    const rows = await this.ask('SELECT id FROM budget_counters WHERE budget_id = ANY ($1::text[])', [names]);
    return ascending(rows);
  }

  /** What somebody else sets between two flushes: credit has expired or not, and what is watched. */
  async set(account: string, { expired, watch }: { expired: boolean; watch: bigint | null }): Promise<void> {
    const parameters = [account, expired ? '2000-01-01T00:00:00Z' : null, watch];
    const sql = 'UPDATE ledger_accounts SET next_expiry = $2, watch_below = $3 WHERE id = $1';
    await asOwner(this.owner, [sql, parameters]);
  }

  balancesOf = (ids: readonly string[]) =>
    this.ask(
      `SELECT credits_posted AS credits, debits_posted AS debits, held, frozen FROM ledger_accounts
        WHERE id = ANY ($1::bigint[]) ORDER BY id`,
      [ids],
    );

  countersOf = (ids: readonly string[]) =>
    this.ask('SELECT held_atoms AS held, spent_atoms AS spent FROM budget_counters WHERE id = ANY ($1) ORDER BY id', [
      ids,
    ]);

  /** The accounts of which a job says that they fell below what is watched, once for each time. */
  async crossingsOf(ids: readonly string[]): Promise<string[]> {
    const rows = await this.ask(
      `SELECT payload ->> 'accountId' AS id FROM jobs
        WHERE name = 'balance-crossed' AND payload ->> 'accountId' = ANY ($1)`,
      [ids],
    );
    return ascending(rows);
  }
}

const ascending = (rows: readonly { id: bigint | string }[]): string[] =>
  rows.map(({ id }) => id.toString()).toSorted((a, b) => Number(a) - Number(b));
