import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The hash chain: every flush leaves a digest of its postings, and at its commit a link that names the one before it.
 * Who changes an old posting must change its flush's digest and every link since, and so cannot match a head that a
 * manifest has shown to somebody.
 *
 * The link is made by a deferred trigger, so the lock that puts links in one order is held for a commit only, never for
 * as long as somebody's transaction stays open. Links are numbered without a gap in the order of their commits.
 */
export class LedgerChain1700000002500 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`CREATE SEQUENCE ledger_flush_ids`);
    await runner.query(`
      CREATE TABLE ledger_flushes (
        id bigint NOT NULL,
        posted_at timestamptz NOT NULL,
        entries integer NOT NULL,
        digest bytea NOT NULL,
        PRIMARY KEY (id, posted_at)
      ) PARTITION BY RANGE (posted_at)`);
    await runner.query(`CALL partition_by_month('ledger_flushes', true)`);
    await runner.query(`
      CREATE TABLE ledger_chain (
        seq bigint PRIMARY KEY,
        flush_id bigint NOT NULL,
        posted_at timestamptz NOT NULL,
        hash bytea NOT NULL
      )`);
    await runner.query(`INSERT INTO ledger_chain VALUES (0, 0, '-infinity', sha256('tollbridge'))`);
    await runner.query(`CALL refuse_changes_of('ledger_chain')`);
    // READ COMMITTED: the statement after the lock sees the link of whoever held the lock before.
    await runner.query(`
      CREATE FUNCTION link_flush() RETURNS trigger LANGUAGE plpgsql
        SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off SET enable_sort = off
      AS $$
      BEGIN
        PERFORM pg_advisory_xact_lock(hashtext('ledger_chain'));
        INSERT INTO ledger_chain
          SELECT seq + 1, NEW.id, NEW.posted_at, sha256(hash || NEW.digest)
            FROM (SELECT seq, hash FROM ledger_chain ORDER BY seq DESC LIMIT 1) head;
        RETURN NULL;
      END $$`);
    // PUBLIC may call whatever is made, and hang this on a table of its own.
    await runner.query(`REVOKE ALL ON FUNCTION link_flush() FROM PUBLIC`);
    await runner.query(`
      CREATE CONSTRAINT TRIGGER ledger_flushes_link AFTER INSERT ON ledger_flushes
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION link_flush()`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DELETE FROM partitioned_tables WHERE name = 'ledger_flushes'`);
    await runner.query(`DROP TABLE ledger_flushes`);
    await runner.query(`DROP TABLE ledger_chain`);
    await runner.query(`DROP FUNCTION link_flush()`);
    await runner.query(`DROP SEQUENCE ledger_flush_ids`);
  }
}
