import type { Client } from 'pg';
import { prefixedId } from '../src/common/id';
import { customerCredits, customerReceivable } from '../src/ledger/ledger-account';
import type { BenchDatabase, ReplicaProcess } from './ledger-server';
import { withOwner } from './owner';

export const CUSTOMERS = 10_000;
const CREDIT = 10_000_000_000_000n;

/** As many new customers as asked, each with its accounts and (almost) endless credit: one entry each. */
export async function seedCustomers(
  replica: ReplicaProcess,
  database: BenchDatabase,
  many = CUSTOMERS,
): Promise<string[]> {
  const customers = Array.from({ length: many }, () => prefixedId('cus'));
  await withOwner(database.ownerUrl, (owner) => makeAccounts(owner, customers));
  await replica.ask({ do: 'know', customers });
  await replica.ask({ do: 'seed', customers, atoms: CREDIT });
  await withOwner(database.ownerUrl, (owner) => owner.query('ANALYZE'));
  return customers;
}

/** As `LedgerAccountsService` makes them, but in one statement instead of three for each. */
async function makeAccounts(owner: Client, customers: readonly string[]): Promise<void> {
  const accounts = customers.flatMap((id) => [customerCredits(id, 'USD'), customerReceivable(id, 'USD')]);
  await owner.query(
    `INSERT INTO ledger_accounts (code, asset, customer_id, guarded)
     SELECT * FROM jsonb_to_recordset($1) AS a(code text, asset text, "customerId" text, guarded boolean)`,
    [JSON.stringify(accounts)],
  );
}

export interface Books {
  /** Guarded accounts below zero after their holds. */
  readonly belowZero: number;
  /** Σ debits = Σ credits over all accounts, and both are Σ postings. */
  readonly zeroSum: boolean;
  readonly entries: number;
}

export function checkBooks(database: BenchDatabase): Promise<Books> {
  return withOwner(database.ownerUrl, async (owner) => {
    const { rows } = await owner.query<{ below: string; debits: string; credits: string }>(
      `SELECT count(*) FILTER (WHERE guarded AND credits_posted - debits_posted - held < 0)::text AS below,
              sum(debits_posted)::text AS debits, sum(credits_posted)::text AS credits FROM ledger_accounts`,
    );
    const { rows: posted } = await owner.query<{ atoms: string; entries: string }>(
      `SELECT sum(atoms)::text AS atoms, count(DISTINCT entry_id)::text AS entries FROM postings`,
    );
    const [accounts, postings] = [rows[0], posted[0]];
    const zeroSum = accounts?.debits === accounts?.credits && accounts?.debits === postings?.atoms;
    return { belowZero: Number(accounts?.below), zeroSum, entries: Number(postings?.entries) };
  });
}
