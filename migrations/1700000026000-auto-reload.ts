import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Top-ups that start themselves: the rule of a customer, and every attempt with what became of it. */
export class AutoReload1700000026000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE topups ADD origin text NOT NULL DEFAULT 'checkout' CHECK (origin IN ('checkout', 'reload'))`);
    // A card that is charged without its holder has no checkout page.
    await runner.query(`ALTER TABLE stripe_payments ALTER checkout_session_id DROP NOT NULL`);
    // refused_fingerprint: the card that suspended the rule; another one ends that.
    await runner.query(`
      CREATE TABLE auto_reload_rules (
        customer_id text PRIMARY KEY REFERENCES customers,
        enabled boolean NOT NULL,
        threshold_atoms bigint NOT NULL CHECK (threshold_atoms >= 0),
        amount_atoms bigint NOT NULL CHECK (amount_atoms > 0),
        day_cap_atoms bigint CHECK (day_cap_atoms >= amount_atoms),
        month_cap_atoms bigint CHECK (month_cap_atoms >= amount_atoms),
        state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'needs_authentication', 'suspended')),
        reason text,
        failures integer NOT NULL DEFAULT 0 CHECK (failures >= 0),
        refused_fingerprint text,
        next_try_at timestamptz,
        updated_at timestamptz NOT NULL DEFAULT now()
      )`);
    await runner.query(`
      CREATE TABLE auto_reload_attempts (
        id text PRIMARY KEY,
        customer_id text NOT NULL REFERENCES customers,
        topup_id text NOT NULL UNIQUE REFERENCES topups,
        atoms bigint NOT NULL CHECK (atoms > 0),
        state text NOT NULL,
        reason text,
        decline_code text,
        advice_code text,
        payment_method_id text,
        fingerprint text,
        payment_intent_id text UNIQUE,
        created_at timestamptz NOT NULL DEFAULT now(),
        finished_at timestamptz
      )`);
    // At most one at a time, whatever evaluates the rule.
    await runner.query(`
      CREATE UNIQUE INDEX auto_reload_one_pending ON auto_reload_attempts (customer_id)
       WHERE state IN ('planned', 'charging', 'in_doubt', 'processing', 'needs_authentication')`);
    await runner.query(`CREATE INDEX auto_reload_attempts_by_customer ON auto_reload_attempts (customer_id, id DESC)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE auto_reload_attempts`);
    await runner.query(`DROP TABLE auto_reload_rules`);
    await runner.query(`
      UPDATE stripe_payments SET checkout_session_id = payment_intent_id WHERE checkout_session_id IS NULL`);
    await runner.query(`ALTER TABLE stripe_payments ALTER checkout_session_id SET NOT NULL`);
    await runner.query(`ALTER TABLE topups DROP origin`);
  }
}
