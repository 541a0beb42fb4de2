import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Card payments that go back: what is off each of them already, and every refund with what became of it. */
export class CardRefunds1700000027000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    // Sums of what went back of a payment and has not come again, so that no part of it is taken twice.
    // frozen_by: the hold behind which what is left of it waits while its payer's bank has doubts.
    await runner.query(`
      ALTER TABLE stripe_payments
        ADD returned_atoms bigint NOT NULL DEFAULT 0 CHECK (returned_atoms >= 0),
        ADD returned_tax_atoms bigint NOT NULL DEFAULT 0 CHECK (returned_tax_atoms BETWEEN 0 AND tax_atoms),
        ADD voided_bonus_atoms bigint NOT NULL DEFAULT 0 CHECK (voided_bonus_atoms >= 0),
        ADD frozen_by uuid`);
    // minor: smallest units of what was paid in, as Stripe counts. No customer: the payment is in suspense.
    await runner.query(`
      CREATE TABLE refunds (
        id text PRIMARY KEY,
        payment_intent_id text NOT NULL REFERENCES stripe_payments,
        topup_id text REFERENCES topups,
        customer_id text REFERENCES customers,
        stripe_refund_id text UNIQUE,
        origin text NOT NULL CHECK (origin IN ('operator', 'dashboard')),
        forced boolean NOT NULL,
        reason text,
        minor bigint NOT NULL CHECK (minor > 0),
        gross_atoms bigint NOT NULL CHECK (gross_atoms > 0),
        credit_atoms bigint NOT NULL CHECK (credit_atoms >= 0),
        tax_atoms bigint NOT NULL CHECK (tax_atoms >= 0),
        bonus_atoms bigint NOT NULL CHECK (bonus_atoms >= 0),
        owed_atoms bigint NOT NULL CHECK (owed_atoms >= 0),
        state text NOT NULL,
        failure_reason text,
        created_at timestamptz NOT NULL DEFAULT now(),
        finished_at timestamptz,
        CHECK (gross_atoms = credit_atoms + tax_atoms)
      )`);
    await runner.query(`CREATE INDEX refunds_by_customer ON refunds (customer_id, id DESC)`);
    await runner.query(`CREATE INDEX refunds_by_payment ON refunds (payment_intent_id)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE refunds`);
    await runner.query(`
      ALTER TABLE stripe_payments DROP frozen_by, DROP voided_bonus_atoms, DROP returned_tax_atoms, DROP returned_atoms`);
  }
}
