import type { MigrationInterface, QueryRunner } from 'typeorm';

/** How far each proof of the books has come, and what makes the books of an earlier day cheap to read. */
export class LedgerVerification1700000011000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE verifications (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        started_at timestamptz NOT NULL DEFAULT now(),
        finished_at timestamptz,
        seq bigint NOT NULL,
        hash bytea NOT NULL,
        state jsonb NOT NULL
      )`);
    await runner.query(`CREATE INDEX verifications_unfinished ON verifications (id) WHERE finished_at IS NULL`);
    // What a crash of the database empties is written again: a run that has lost its sums begins anew.
    await runner.query(`
      CREATE UNLOGGED TABLE verification_accounts (
        verification_id bigint NOT NULL,
        account_id bigint NOT NULL,
        credits numeric NOT NULL,
        debits numeric NOT NULL,
        closing bigint NOT NULL,
        PRIMARY KEY (verification_id, account_id)
      )`);
    // Nearly every entry is effective when it is posted, and then this index does not hear of it.
    await runner.query(`CREATE INDEX postings_dated ON postings (effective_at) WHERE effective_at <> posted_at`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP INDEX postings_dated`);
    await runner.query(`DROP TABLE verification_accounts`);
    await runner.query(`DROP TABLE verifications`);
  }
}
