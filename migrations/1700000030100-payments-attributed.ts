import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Card payments that belonged to no top-up, once an operator has said whose they are. */
export class PaymentsAttributed1700000030100 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE stripe_payments
        ADD attributed_to text REFERENCES customers,
        ADD CHECK (attributed_to IS NULL OR topup_id IS NULL)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE stripe_payments DROP attributed_to`);
  }
}
