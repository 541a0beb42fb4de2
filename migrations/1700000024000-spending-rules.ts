import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What a hold asks beside the balance: credit that has expired, budgets, a credit limit; and who is told when it falls. */
export class SpendingRules1700000024000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    // `next_expiry`: when credit of this account ends next; a hold after that instant waits until that is booked.
    // `watch_below`: whoever falls below it makes a job, once. `credit_limit`: how far below zero it may go.
    await runner.query(`
      ALTER TABLE ledger_accounts
        ADD next_expiry timestamptz,
        ADD watch_below bigint,
        ADD credit_limit bigint NOT NULL DEFAULT 0 CHECK (credit_limit >= 0),
        DROP CONSTRAINT ledger_accounts_check`);
    await runner.query(`
      ALTER TABLE ledger_accounts ADD CONSTRAINT ledger_accounts_check
        CHECK (NOT guarded OR credits_posted - debits_posted - held + credit_limit >= 0) NOT VALID`);
    await runner.query(`ALTER TABLE ledger_accounts VALIDATE CONSTRAINT ledger_accounts_check`);
    await runner.query(
      `CREATE INDEX ledger_accounts_expiring ON ledger_accounts (next_expiry) WHERE next_expiry IS NOT NULL`,
    );
    // The budget counters that a hold weighs on, as '12,15'.
    await runner.query(`ALTER TABLE holds ADD counters text`);
    // One row per budget and period, moved with the holds and captures that weigh on it.
    await runner.query(`
      CREATE TABLE budget_counters (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        budget_id text NOT NULL,
        period_from timestamptz NOT NULL,
        period_to timestamptz NOT NULL CHECK (period_to > period_from),
        limit_atoms bigint NOT NULL CHECK (limit_atoms >= 0),
        hard boolean NOT NULL,
        held_atoms bigint NOT NULL DEFAULT 0 CHECK (held_atoms >= 0),
        spent_atoms bigint NOT NULL DEFAULT 0 CHECK (spent_atoms >= 0),
        UNIQUE (budget_id, period_from)
      ) WITH (fillfactor = 50)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    const [owing] = await runner.query(
      `SELECT code FROM ledger_accounts WHERE guarded AND credits_posted - debits_posted - held < 0 LIMIT 1`,
    );
    if (owing) {
      throw new Error(`${owing.code} is below zero by its credit limit, which does not exist before this migration.`);
    }
    await runner.query(`DROP TABLE budget_counters`);
    await runner.query(`ALTER TABLE holds DROP counters`);
    await runner.query(`
      ALTER TABLE ledger_accounts DROP CONSTRAINT ledger_accounts_check, DROP next_expiry, DROP watch_below, DROP credit_limit`);
    await runner.query(`
      ALTER TABLE ledger_accounts ADD CONSTRAINT ledger_accounts_check
        CHECK (NOT guarded OR credits_posted - debits_posted - held >= 0)`);
  }
}
