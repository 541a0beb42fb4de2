import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Auto-reload asks, each time before it charges, whether a bank warns of any payment of the customer. */
export class FraudWarningsByCustomer1700000035000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`CREATE INDEX fraud_warnings_by_customer ON fraud_warnings (customer_id)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP INDEX fraud_warnings_by_customer`);
  }
}
