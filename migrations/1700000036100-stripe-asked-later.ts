import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Events that cannot be worked off are tried again by their id, and what stays open at Stripe is asked for less often. */
export class StripeAskedLater1700000036100 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE stripe_event_failures (
        id text PRIMARY KEY,
        type text NOT NULL,
        created_at timestamptz NOT NULL,
        attempts integer NOT NULL DEFAULT 1,
        next_at timestamptz NOT NULL DEFAULT now(),
        error text NOT NULL
      )`);
    await runner.query(`CREATE INDEX stripe_event_failures_next ON stripe_event_failures (next_at)`);
    await runner.query(`ALTER TABLE stripe_transactions ADD asked_at timestamptz`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE stripe_transactions DROP asked_at`);
    await runner.query(`DROP TABLE stripe_event_failures`);
  }
}
