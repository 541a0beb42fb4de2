import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What customers and the operator are told. */
export class Notifications1700000025100 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    // No customer: the operator.
    await runner.query(`
      CREATE TABLE notifications (
        id text PRIMARY KEY,
        customer_id text REFERENCES customers,
        kind text NOT NULL,
        key text NOT NULL UNIQUE,
        data jsonb NOT NULL,
        url text,
        created_at timestamptz NOT NULL DEFAULT now(),
        read_at timestamptz
      )`);
    await runner.query(`CREATE INDEX notifications_by_customer ON notifications (customer_id, id DESC)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE notifications`);
  }
}
