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
    // Ids and instants are given under the locks of the accounts, so on one account they are in one order; flushes of
    // others may be a moment out of it. Whatever was posted up to an instant has its id before any flush of half a
    // minute later. Links are numbered without a gap,
    // so that flush is found in as many look-ups as their number has binary digits.
    await runner.query(`
      CREATE FUNCTION ledger_entries_until(instant timestamptz) RETURNS bigint LANGUAGE plpgsql STABLE
        SET search_path = public, pg_temp AS $$
      DECLARE
        low bigint := 0;
        high bigint := (SELECT seq + 1 FROM ledger_chain ORDER BY seq DESC LIMIT 1);
        middle bigint;
      BEGIN
        WHILE high - low > 1 LOOP
          middle := (low + high) / 2;
          IF (SELECT posted_at FROM ledger_chain WHERE seq = middle) > instant + interval '30 seconds' THEN
            high := middle;
          ELSE
            low := middle;
          END IF;
        END LOOP;
        RETURN coalesce((SELECT flush_id * 512 FROM ledger_chain WHERE seq = high), 9223372036854775807);
      END $$`);
    // Nearly every entry is effective when it is posted, and then this index does not hear of it.
    await runner.query(`CREATE INDEX postings_dated ON postings (effective_at) WHERE effective_at <> posted_at`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP INDEX postings_dated`);
    await runner.query(`DROP FUNCTION ledger_entries_until(timestamptz)`);
    await runner.query(`DROP TABLE verification_accounts`);
    await runner.query(`DROP TABLE verifications`);
  }
}
