import type { MigrationInterface, QueryRunner } from 'typeorm';

/** A bank may take back a debit that was paid: a refund that nobody asked for. */
export class DebitsThatCameBack1700000041200 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE refunds DROP CONSTRAINT refunds_origin_check,
        ADD CONSTRAINT refunds_origin_check CHECK (origin IN ('operator', 'dashboard', 'fraud_warning', 'bank'))`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`UPDATE refunds SET origin = 'dashboard' WHERE origin = 'bank'`);
    await runner.query(`
      ALTER TABLE refunds DROP CONSTRAINT refunds_origin_check,
        ADD CONSTRAINT refunds_origin_check CHECK (origin IN ('operator', 'dashboard', 'fraud_warning'))`);
  }
}
