import type { MigrationInterface, QueryRunner } from 'typeorm';

/** A request with its key makes one refund; and what was done about a warning of fraud. */
export class RefundsOnceAndFraudWarnings1700000034100 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE refunds ADD idempotency_key text UNIQUE, ADD fingerprint text,
        DROP CONSTRAINT refunds_origin_check,
        ADD CONSTRAINT refunds_origin_check CHECK (origin IN ('operator', 'dashboard', 'fraud_warning'))`);
    // action: what FRAUD_WARNING_ACTION was when it arrived. Until now that was to freeze.
    await runner.query(`
      ALTER TABLE fraud_warnings
        ADD action text NOT NULL DEFAULT 'freeze' CHECK (action IN ('notify', 'freeze', 'refund'))`);
    // Asked for again and again until they are final.
    await runner.query(`CREATE INDEX refunds_unfinished ON refunds (created_at) WHERE state = 'pending'`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP INDEX refunds_unfinished`);
    await runner.query(`ALTER TABLE fraud_warnings DROP action`);
    await runner.query(`UPDATE refunds SET origin = 'operator' WHERE origin = 'fraud_warning'`);
    await runner.query(`
      ALTER TABLE refunds DROP idempotency_key, DROP fingerprint, DROP CONSTRAINT refunds_origin_check,
        ADD CONSTRAINT refunds_origin_check CHECK (origin IN ('operator', 'dashboard'))`);
  }
}
