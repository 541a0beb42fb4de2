import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What our facilitator settles for other people's resource servers: each signed payment once, with one answer. */
export class Facilitator1700000017000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    // `terms_hash` is null, and other terms may be tried, after an attempt that certainly moved nothing.
    await runner.query(`
      CREATE TABLE facilitator_settlements (
        payload_hash text PRIMARY KEY,
        server_id text NOT NULL REFERENCES resource_servers,
        network text NOT NULL,
        terms_hash text,
        leased_until timestamptz NOT NULL,
        result jsonb,
        created_at timestamptz NOT NULL DEFAULT now()
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE facilitator_settlements`);
  }
}
