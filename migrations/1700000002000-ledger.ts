import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Accounts with their balances, holds, and the immutable journal. Two functions are the only writers: `ledger_apply` and `ledger_flush`. */
export class Ledger1700000002000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    // A guarded account can never spend what it does not have: the CHECK is the last resort, not the rule.
    await runner.query(`
      CREATE TABLE ledger_accounts (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        code text NOT NULL,
        asset text NOT NULL,
        customer_id text,
        guarded boolean NOT NULL,
        frozen boolean NOT NULL DEFAULT false,
        credits_posted bigint NOT NULL DEFAULT 0 CHECK (credits_posted >= 0),
        debits_posted bigint NOT NULL DEFAULT 0 CHECK (debits_posted >= 0),
        held bigint NOT NULL DEFAULT 0 CHECK (held >= 0),
        UNIQUE (code, asset),
        CHECK (NOT guarded OR credits_posted - debits_posted - held >= 0)
      ) WITH (fillfactor = 50)`);
    await runner.query(`CREATE INDEX ledger_accounts_by_customer ON ledger_accounts (customer_id)`);
    // Not by month: every hold is looked up by its id, and a look-up must not ask every month there ever was.
    // What captured it stands beside it, so that a repeated capture finds its first result for ever.
    await runner.query(`
      CREATE TABLE holds (
        id uuid PRIMARY KEY,
        account_id bigint NOT NULL,
        customer_id text,
        atoms bigint NOT NULL CHECK (atoms >= 0),
        state text NOT NULL CHECK (state IN ('open', 'captured', 'released', 'expired')),
        opened_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL,
        closed_at timestamptz,
        entry_id bigint,
        input_hash uuid,
        CHECK ((state = 'captured') = (entry_id IS NOT NULL))
      )`);
    await runner.query(`CREATE INDEX holds_open ON holds (expires_at) WHERE state = 'open'`);
    // One row is one movement with both its sides: an unbalanced entry cannot be written. What belongs to the entry
    // stands on each of its lines; an entry that moves nothing is a line 0 without sides.
    await runner.query(`
      CREATE TABLE postings (
        entry_id bigint NOT NULL,
        line smallint NOT NULL,
        posted_at timestamptz NOT NULL,
        effective_at timestamptz NOT NULL,
        kind text NOT NULL,
        key text NOT NULL,
        customer_id text,
        debit_account_id bigint,
        credit_account_id bigint,
        asset text,
        atoms bigint NOT NULL,
        debit_balance_after bigint,
        credit_balance_after bigint,
        memo jsonb,
        corrects bigint,
        PRIMARY KEY (entry_id, line, posted_at),
        CHECK (CASE WHEN line = 0 THEN atoms = 0 AND num_nonnulls(debit_account_id, credit_account_id) = 0
                    ELSE atoms > 0 AND debit_account_id <> credit_account_id IS TRUE END)
      ) PARTITION BY RANGE (posted_at)`);
    await runner.query(`CREATE INDEX postings_by_debit ON postings (debit_account_id, entry_id)`);
    await runner.query(`CREATE INDEX postings_by_credit ON postings (credit_account_id, entry_id)`);
    await runner.query(`
      CREATE VIEW journal_entries AS
        SELECT entry_id AS id, posted_at, effective_at, kind, key, customer_id, memo, corrects
          FROM postings WHERE line <= 1`);
    // One result per key for ever, across all months: a partitioned table cannot say that by itself.
    await runner.query(`
      CREATE TABLE journal_keys (key text PRIMARY KEY, input_hash uuid NOT NULL, entry_id bigint NOT NULL)`);
    await runner.query(`CALL refuse_changes_of('journal_keys')`);
    await runner.query(`CALL partition_by_month('postings', true)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DELETE FROM partitioned_tables WHERE name = 'postings'`);
    await runner.query(`DROP VIEW journal_entries`);
    for (const table of ['journal_keys', 'postings', 'holds', 'ledger_accounts']) {
      await runner.query(`DROP TABLE ${table}`);
    }
  }
}
