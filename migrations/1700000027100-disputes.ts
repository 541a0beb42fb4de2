import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Payments that a bank has taken back, or doubts. */
export class Disputes1700000027100 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    // lost_*: what was taken when it was lost; zero again once that came back.
    await runner.query(`
      CREATE TABLE disputes (
        id text PRIMARY KEY,
        payment_intent_id text NOT NULL REFERENCES stripe_payments,
        topup_id text REFERENCES topups,
        customer_id text REFERENCES customers,
        gross_atoms bigint NOT NULL CHECK (gross_atoms > 0),
        phase text NOT NULL,
        status text NOT NULL,
        reason text NOT NULL,
        due_by timestamptz,
        lost_gross_atoms bigint NOT NULL DEFAULT 0 CHECK (lost_gross_atoms >= 0),
        lost_credit_atoms bigint NOT NULL DEFAULT 0 CHECK (lost_credit_atoms >= 0),
        lost_tax_atoms bigint NOT NULL DEFAULT 0 CHECK (lost_tax_atoms >= 0),
        lost_bonus_atoms bigint NOT NULL DEFAULT 0 CHECK (lost_bonus_atoms >= 0),
        owed_atoms bigint NOT NULL DEFAULT 0 CHECK (owed_atoms >= 0),
        created_at timestamptz NOT NULL DEFAULT now(),
        closed_at timestamptz,
        CHECK (lost_gross_atoms = lost_credit_atoms + lost_tax_atoms)
      )`);
    await runner.query(`CREATE INDEX disputes_by_payment ON disputes (payment_intent_id)`);
    await runner.query(`CREATE INDEX disputes_by_customer ON disputes (customer_id)`);
    await runner.query(`
      CREATE TABLE fraud_warnings (
        id text PRIMARY KEY,
        payment_intent_id text NOT NULL REFERENCES stripe_payments,
        customer_id text REFERENCES customers,
        fraud_type text NOT NULL,
        actionable boolean NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now()
      )`);
    await runner.query(`CREATE INDEX fraud_warnings_by_payment ON fraud_warnings (payment_intent_id)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE fraud_warnings`);
    await runner.query(`DROP TABLE disputes`);
  }
}
