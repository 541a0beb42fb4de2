import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Accounts with their balances, holds, and the immutable journal. `ledger_flush` is the only writer. */
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
    await runner.query(`
      CREATE TABLE holds (
        id uuid NOT NULL,
        opened_at timestamptz NOT NULL,
        account_id bigint NOT NULL,
        customer_id text,
        atoms bigint NOT NULL CHECK (atoms >= 0),
        state text NOT NULL CHECK (state IN ('open', 'captured', 'released', 'expired')),
        expires_at timestamptz NOT NULL,
        closed_at timestamptz,
        PRIMARY KEY (id, opened_at)
      ) PARTITION BY RANGE (opened_at)`);
    await runner.query(`CREATE INDEX holds_open ON holds (expires_at) WHERE state = 'open'`);
    await runner.query(`CREATE SEQUENCE journal_entry_ids`);
    await runner.query(`
      CREATE TABLE journal_entries (
        id bigint NOT NULL,
        posted_at timestamptz NOT NULL,
        effective_at timestamptz NOT NULL,
        kind text NOT NULL,
        key text NOT NULL,
        customer_id text,
        memo jsonb,
        corrects bigint,
        PRIMARY KEY (id, posted_at)
      ) PARTITION BY RANGE (posted_at)`);
    await runner.query(`CREATE INDEX journal_entries_by_customer ON journal_entries (customer_id, id)`);
    // Debit and credit in one row: an unbalanced entry cannot be written.
    await runner.query(`
      CREATE TABLE postings (
        entry_id bigint NOT NULL,
        line smallint NOT NULL,
        posted_at timestamptz NOT NULL,
        debit_account_id bigint NOT NULL,
        credit_account_id bigint NOT NULL,
        asset text NOT NULL,
        atoms bigint NOT NULL CHECK (atoms > 0),
        debit_balance_after bigint NOT NULL,
        credit_balance_after bigint NOT NULL,
        PRIMARY KEY (entry_id, line, posted_at),
        CHECK (debit_account_id <> credit_account_id)
      ) PARTITION BY RANGE (posted_at)`);
    await runner.query(`CREATE INDEX postings_by_debit ON postings (debit_account_id, entry_id)`);
    await runner.query(`CREATE INDEX postings_by_credit ON postings (credit_account_id, entry_id)`);
    // One result per key for ever, across all months: a partitioned table cannot say that by itself.
    await runner.query(`
      CREATE TABLE journal_keys (key text PRIMARY KEY, input_hash text NOT NULL, entry_id bigint NOT NULL)`);
    await runner.query(`
      CREATE TRIGGER journal_keys_no_change BEFORE UPDATE OR DELETE ON journal_keys
        FOR EACH ROW EXECUTE FUNCTION refuse_change()`);
    await runner.query(`
      CREATE TRIGGER journal_keys_no_truncate BEFORE TRUNCATE ON journal_keys
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()`);
    await runner.query(`CALL partition_by_month('holds', false)`);
    await runner.query(`CALL partition_by_month('journal_entries', true)`);
    await runner.query(`CALL partition_by_month('postings', true)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DELETE FROM partitioned_tables WHERE name IN ('holds', 'journal_entries', 'postings')`);
    for (const table of ['journal_keys', 'postings', 'journal_entries', 'holds', 'ledger_accounts']) {
      await runner.query(`DROP TABLE ${table}`);
    }
    await runner.query(`DROP SEQUENCE journal_entry_ids`);
  }
}
