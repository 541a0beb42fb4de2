import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Codes that give promotional credit, once per customer and only so often. */
export class PromoCodes1700000032100 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE promo_codes (
        code text PRIMARY KEY,
        atoms bigint NOT NULL CHECK (atoms > 0),
        cap integer NOT NULL CHECK (cap > 0),
        redeemed integer NOT NULL DEFAULT 0 CHECK (redeemed BETWEEN 0 AND cap),
        -- the last instant at which it may be redeemed; null for no end
        valid_until timestamptz,
        -- of the credit, from when it is redeemed; null for never
        expires_days integer CHECK (expires_days > 0),
        priority integer NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        ended_at timestamptz
      )`);
    await runner.query(`
      CREATE TABLE promo_redemptions (
        code text NOT NULL REFERENCES promo_codes,
        customer_id text NOT NULL REFERENCES customers,
        grant_id text NOT NULL REFERENCES credit_grants,
        redeemed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        PRIMARY KEY (code, customer_id)
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE promo_redemptions`);
    await runner.query(`DROP TABLE promo_codes`);
  }
}
