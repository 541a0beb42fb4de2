import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What is needed to tell what was left of a grant at any instant: when it ended as it was seen then. */
export class GrantEnds1700000032000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE credit_grants ADD voided_at timestamptz`);
    // Until `changed_at` the grant ended at `expires_at`, or never.
    await runner.query(`
      CREATE TABLE grant_ends (
        grant_id text NOT NULL REFERENCES credit_grants,
        changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        expires_at timestamptz,
        PRIMARY KEY (grant_id, changed_at)
      )`);
    // Whoever changes an end, whoever does it next: none can forget to keep the one before.
    await runner.query(`
      CREATE FUNCTION keep_grant_end() RETURNS trigger LANGUAGE plpgsql
        SECURITY DEFINER SET search_path = public, pg_temp AS $$
      BEGIN
        INSERT INTO grant_ends (grant_id, expires_at) VALUES (OLD.id, OLD.expires_at);
        RETURN NULL;
      END $$`);
    await runner.query(`REVOKE ALL ON FUNCTION keep_grant_end() FROM PUBLIC`);
    await runner.query(`
      CREATE TRIGGER credit_grants_end AFTER UPDATE OF expires_at ON credit_grants FOR EACH ROW
        WHEN (OLD.expires_at IS DISTINCT FROM NEW.expires_at) EXECUTE FUNCTION keep_grant_end()`);
    await runner.query(`CALL refuse_changes_of('grant_ends')`);
    // An instant is looked at from today backwards: what moved since.
    await runner.query(`CREATE INDEX grant_movements_by_instant ON grant_movements (at)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP INDEX grant_movements_by_instant`);
    await runner.query(`DROP TRIGGER credit_grants_end ON credit_grants`);
    await runner.query(`DROP FUNCTION keep_grant_end()`);
    await runner.query(`DROP TABLE grant_ends`);
    await runner.query(`ALTER TABLE credit_grants DROP voided_at`);
  }
}
