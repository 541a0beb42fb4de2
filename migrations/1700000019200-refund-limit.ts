import type { MigrationInterface, QueryRunner } from 'typeorm';

/** How many refunds a payer had lately is asked before each. */
export class RefundLimit1700000019200 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      `CREATE INDEX claims_refunds ON claims (customer_id, updated_at) WHERE scheme = 'channel-refund'`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP INDEX claims_refunds`);
  }
}
