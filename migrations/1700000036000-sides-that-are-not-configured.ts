import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * A side that is not configured is skipped; a discrepancy knows the account that an entry must move, and the entry of
 * an earlier resolution that still stands; a nightly run knows whether the operator was told how it went.
 */
export class SidesThatAreNotConfigured1700000036000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE reconciliation_outcomes DROP CONSTRAINT reconciliation_outcomes_state_check`);
    await runner.query(`
      ALTER TABLE reconciliation_outcomes ADD CONSTRAINT reconciliation_outcomes_state_check
            CHECK (state IN ('done', 'failed', 'skipped'))`);
    await runner.query(`ALTER TABLE discrepancies ADD account text, ADD standing_entry bigint`);
    // Every one of Stripe's was about stripe:clearing, but for those whose money is booked already.
    await runner.query(`
      UPDATE discrepancies SET account = 'stripe:clearing'
       WHERE side = 'stripe' AND kind NOT IN ('payout_difference', 'payment_in_suspense')`);
    await runner.query(`ALTER TABLE reconciliation_runs ADD told_at timestamptz`);
    await runner.query(`UPDATE reconciliation_runs SET told_at = finished_at WHERE kind = 'nightly'`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE reconciliation_runs DROP told_at`);
    await runner.query(`ALTER TABLE discrepancies DROP standing_entry, DROP account`);
    await runner.query(`DELETE FROM reconciliation_outcomes WHERE state = 'skipped'`);
    await runner.query(`ALTER TABLE reconciliation_outcomes DROP CONSTRAINT reconciliation_outcomes_state_check`);
    await runner.query(`
      ALTER TABLE reconciliation_outcomes ADD CONSTRAINT reconciliation_outcomes_state_check
            CHECK (state IN ('done', 'failed'))`);
  }
}
