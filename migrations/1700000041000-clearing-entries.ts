import type { MigrationInterface, QueryRunner } from 'typeorm';

/** How far the entries of Stripe's balance were looked at, and why a transfer could not be put into suspense. */
export class ClearingEntries1700000041000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    // Every entry on stripe:clearing up to it has its movement, or is a row of stripe_unmatched_entries.
    await runner.query(`CREATE TABLE clearing_cursors (name text PRIMARY KEY, entry_id bigint NOT NULL)`);
    await runner.query(`CREATE TABLE stripe_unmatched_entries (entry_id bigint PRIMARY KEY)`);
    await runner.query(`ALTER TABLE chain_transfers ADD refused text`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE chain_transfers DROP refused`);
    await runner.query(`DROP TABLE stripe_unmatched_entries, clearing_cursors`);
  }
}
