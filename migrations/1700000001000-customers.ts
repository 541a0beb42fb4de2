import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Who owes or prepaid, and the keys that speak for them. */
export class Customers1700000001000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE customers (
        id text PRIMARY KEY,
        kind text NOT NULL CHECK (kind IN ('organisation', 'wallet')),
        name text NOT NULL,
        email text,
        wallet_address text UNIQUE CHECK (wallet_address = lower(wallet_address)),
        stripe_customer_id text UNIQUE,
        created_at timestamptz NOT NULL DEFAULT now(),
        CHECK ((kind = 'wallet') = (wallet_address IS NOT NULL))
      )`);
    await runner.query(`
      CREATE TABLE api_keys (
        id text PRIMARY KEY,
        customer_id text NOT NULL REFERENCES customers,
        name text NOT NULL,
        hint text NOT NULL,
        hash bytea NOT NULL UNIQUE,
        scopes text[] NOT NULL,
        models text[],
        expires_at timestamptz,
        revoked_at timestamptz,
        created_at timestamptz NOT NULL DEFAULT now()
      )`);
    await runner.query(`CREATE INDEX api_keys_by_customer ON api_keys (customer_id, created_at)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE api_keys`);
    await runner.query(`DROP TABLE customers`);
  }
}
