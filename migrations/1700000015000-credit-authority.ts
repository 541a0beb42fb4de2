import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The `credit` binding: resource servers that may settle, and the commitments that were signed for them. */
export class CreditAuthority1700000015000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE resource_servers (
        id text PRIMARY KEY,
        name text NOT NULL,
        origin text NOT NULL,
        hint text NOT NULL,
        key_hash bytea NOT NULL UNIQUE,
        pay_to text[] NOT NULL DEFAULT '{}',
        deferred boolean NOT NULL DEFAULT false,
        created_at timestamptz NOT NULL DEFAULT now(),
        revoked_at timestamptz
      )`);
    await runner.query(
      `CREATE UNIQUE INDEX resource_servers_by_origin ON resource_servers (origin) WHERE revoked_at IS NULL`,
    );
    await runner.query(`
      CREATE TABLE commitments (
        jti uuid PRIMARY KEY,
        bundle_id text NOT NULL REFERENCES customers,
        key_id text NOT NULL REFERENCES api_keys,
        idempotency_key text NOT NULL,
        request_hash text NOT NULL,
        audience text NOT NULL,
        cents bigint NOT NULL CHECK (cents > 0),
        attestation text NOT NULL,
        state text NOT NULL CHECK (state IN ('held', 'settled', 'released', 'revoked', 'expired')),
        hold_exp timestamptz NOT NULL,
        settle_hash text,
        result jsonb,
        created_at timestamptz NOT NULL DEFAULT now(),
        closed_at timestamptz,
        UNIQUE (bundle_id, idempotency_key),
        CHECK ((state = 'held') = (closed_at IS NULL)),
        CHECK ((state IN ('settled', 'released')) = (result IS NOT NULL))
      )`);
    await runner.query(`CREATE INDEX commitments_held ON commitments (hold_exp) WHERE state = 'held'`);
    await runner.query(`ALTER TABLE customers ADD credit_frozen_at timestamptz`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE customers DROP COLUMN credit_frozen_at`);
    await runner.query(`DROP TABLE commitments`);
    await runner.query(`DROP TABLE resource_servers`);
  }
}
