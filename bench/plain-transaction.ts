import type { Client } from 'pg';
import type { DatabaseService } from '../src/database/database.service';

const REVENUE = 'revenue:inference';

/** Tables of the same shape as the ledger's, for an ordinary transaction per entry. */
export async function preparePlain(owner: Client, customers: readonly string[]): Promise<void> {
  await owner.query(`
    CREATE TABLE plain_accounts (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, code text NOT NULL, asset text NOT NULL, customer_id text,
      guarded boolean NOT NULL, credits_posted bigint NOT NULL DEFAULT 0, debits_posted bigint NOT NULL DEFAULT 0,
      UNIQUE (code, asset), CHECK (NOT guarded OR credits_posted - debits_posted >= 0)) WITH (fillfactor = 50)`);
  await owner.query(`
    CREATE TABLE plain_entries (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, posted_at timestamptz NOT NULL DEFAULT now(), kind text NOT NULL,
      key text NOT NULL UNIQUE, customer_id text, memo jsonb)`);
  await owner.query(`CREATE INDEX ON plain_entries (customer_id, id)`);
  await owner.query(`
    CREATE TABLE plain_postings (
      entry_id bigint NOT NULL, line smallint NOT NULL, debit_account_id bigint NOT NULL,
      credit_account_id bigint NOT NULL, asset text NOT NULL, atoms bigint NOT NULL CHECK (atoms > 0),
      debit_balance_after bigint NOT NULL, credit_balance_after bigint NOT NULL, PRIMARY KEY (entry_id, line))`);
  await owner.query(`CREATE INDEX ON plain_postings (debit_account_id, entry_id)`);
  await owner.query(`CREATE INDEX ON plain_postings (credit_account_id, entry_id)`);
  await owner.query(
    `INSERT INTO plain_accounts (code, asset, guarded, customer_id, credits_posted)
     SELECT code, 'USD', code <> $1, nullif(code, $1), 1000000000000000 FROM unnest($2::text[]) AS code`,
    [REVENUE, [REVENUE, ...customers]],
  );
  await owner.query('GRANT ALL ON plain_accounts, plain_entries, plain_postings TO PUBLIC');
  await owner.query('ANALYZE plain_accounts');
}

interface Account {
  readonly id: bigint;
  readonly balance: bigint;
}

/** Six round trips: begin, the two balances, the entry, its posting, commit. */
export function postPlain(database: DatabaseService, customer: string, key: string, atoms: bigint): Promise<void> {
  return database.transaction(async (tx) => {
    const [debit] = await tx.query<Account>(
      `UPDATE plain_accounts SET debits_posted = debits_posted + $2
        WHERE code = $1 AND asset = 'USD' AND credits_posted - debits_posted >= $2
        RETURNING id, credits_posted - debits_posted AS balance`,
      [customer, atoms],
    );
    const [credit] = await tx.query<Account>(
      `UPDATE plain_accounts SET credits_posted = credits_posted + $2 WHERE code = $1 AND asset = 'USD'
        RETURNING id, credits_posted - debits_posted AS balance`,
      [REVENUE, atoms],
    );
    if (!debit || !credit) throw new Error('insufficient');
    const [entry] = await tx.query<{ id: bigint }>(
      `INSERT INTO plain_entries (kind, key, customer_id, memo) VALUES ('call_captured', $1, $2, $3) RETURNING id`,
      [`call:${key}`, customer, { call: key }],
    );
    await tx.query(`INSERT INTO plain_postings VALUES ($1, 1, $2, $3, 'USD', $4, $5, $6)`, [
      entry?.id,
      debit.id,
      credit.id,
      atoms,
      debit.balance,
      credit.balance,
    ]);
  });
}
