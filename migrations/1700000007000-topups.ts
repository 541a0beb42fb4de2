import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Money paid in, and the Stripe events whose effect is on the books. */
export class TopUps1700000007000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE topups (
        id text PRIMARY KEY,
        customer_id text NOT NULL REFERENCES customers,
        rail text NOT NULL CHECK (rail IN ('card', 'usdc')),
        state text NOT NULL,
        asset text NOT NULL,
        -- asked for; what was paid is what the processor or the chain reported, over all payments
        atoms bigint NOT NULL CHECK (atoms > 0),
        paid_atoms bigint CHECK (paid_atoms > 0),
        checkout_session_id text UNIQUE,
        payment_intent_id text UNIQUE,
        url text,
        tx_hash text,
        entry_id bigint,
        created_at timestamptz NOT NULL DEFAULT now(),
        paid_at timestamptz
      )`);
    await runner.query(`CREATE INDEX topups_by_customer ON topups (customer_id, id DESC)`);
    // One row per payment that is on the books, whichever events told of it. No top-up: it waits in suspense.
    // No fee: Stripe had not booked it yet when the payment arrived.
    await runner.query(`
      CREATE TABLE stripe_payments (
        payment_intent_id text PRIMARY KEY,
        checkout_session_id text NOT NULL,
        topup_id text REFERENCES topups,
        gross_atoms bigint NOT NULL CHECK (gross_atoms > 0),
        tax_atoms bigint NOT NULL CHECK (tax_atoms >= 0),
        fee_atoms bigint CHECK (fee_atoms >= 0),
        entry_id bigint,
        created_at timestamptz NOT NULL DEFAULT now()
      )`);
    await runner.query(`CREATE INDEX stripe_payments_by_topup ON stripe_payments (topup_id)`);
    await runner.query(`
      CREATE TABLE stripe_events (
        id text PRIMARY KEY,
        type text NOT NULL,
        object_id text,
        effect text NOT NULL,
        created_at timestamptz NOT NULL,
        received_at timestamptz NOT NULL DEFAULT now()
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE stripe_events`);
    await runner.query(`DROP TABLE stripe_payments`);
    await runner.query(`DROP TABLE topups`);
  }
}
