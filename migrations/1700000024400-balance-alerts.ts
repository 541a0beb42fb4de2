import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Balances below which a customer wants to be told. */
export class BalanceAlerts1700000024400 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    // `below` until the balance is at the threshold again: each crossing is told once, and counted.
    await runner.query(`
      CREATE TABLE balance_alerts (
        customer_id text NOT NULL REFERENCES customers,
        threshold_atoms bigint NOT NULL CHECK (threshold_atoms > 0),
        below boolean NOT NULL,
        crossings integer NOT NULL DEFAULT 0,
        PRIMARY KEY (customer_id, threshold_atoms)
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE balance_alerts`);
  }
}
