import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Where a customer's USD credit came from: which of it is used first, when it ends, what is left of it. */
export class CreditGrants1700000023000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    // What is left as of the account's checkpoint (credit_positions): what was used since is not taken off yet.
    await runner.query(`
      CREATE TABLE credit_grants (
        id text PRIMARY KEY,
        customer_id text NOT NULL,
        account_id bigint NOT NULL,
        class text NOT NULL CHECK (class IN ('paid', 'promo')),
        -- what gave it, once
        origin text NOT NULL,
        origin_id text NOT NULL,
        models text[],
        priority integer NOT NULL,
        atoms bigint NOT NULL CHECK (atoms > 0),
        remaining_atoms bigint NOT NULL CHECK (remaining_atoms BETWEEN 0 AND atoms),
        -- of that, behind a hold of its own until a dispute is decided
        frozen_atoms bigint NOT NULL DEFAULT 0 CHECK (frozen_atoms BETWEEN 0 AND remaining_atoms),
        frozen_by uuid,
        expires_at timestamptz,
        entry_id bigint,
        created_at timestamptz NOT NULL DEFAULT now(),
        UNIQUE (origin, origin_id),
        CHECK ((frozen_atoms > 0) = (frozen_by IS NOT NULL))
      )`);
    await runner.query(`CREATE INDEX credit_grants_left ON credit_grants (account_id) WHERE remaining_atoms > 0`);
    await runner.query(`CREATE INDEX credit_grants_by_customer ON credit_grants (customer_id, created_at)`);
    await runner.query(`CREATE INDEX credit_grants_frozen ON credit_grants (frozen_by) WHERE frozen_by IS NOT NULL`);
    // Up to which debit of the account the grants have borne what was used, and what no grant could bear.
    await runner.query(`
      CREATE TABLE credit_positions (
        account_id bigint PRIMARY KEY,
        debits_seen bigint NOT NULL CHECK (debits_seen >= 0),
        uncovered_atoms bigint NOT NULL DEFAULT 0 CHECK (uncovered_atoms >= 0)
      )`);
    await runner.query(`
      CREATE TABLE grant_movements (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        grant_id text NOT NULL REFERENCES credit_grants,
        at timestamptz NOT NULL,
        kind text NOT NULL
          CHECK (kind IN ('granted', 'consumed', 'expired', 'taken', 'returned', 'frozen', 'thawed', 'voided')),
        atoms bigint NOT NULL CHECK (atoms > 0),
        entry_id bigint
      )`);
    await runner.query(`CREATE INDEX grant_movements_by_grant ON grant_movements (grant_id, id)`);
    await runner.query(`CALL refuse_changes_of('grant_movements')`);
    await runner.query(OPENING);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of ['grant_movements', 'credit_positions', 'credit_grants']) {
      await runner.query(`DROP TABLE ${table}`);
    }
  }
}

/** Credit from before there were grants is one paid grant per customer. */
const OPENING = `
  WITH pools AS (
    SELECT id, customer_id, debits_posted, credits_posted - debits_posted AS atoms FROM ledger_accounts
     WHERE asset = 'USD' AND guarded AND code = format('customer:%s:credits', customer_id)
  ), positions AS (
    INSERT INTO credit_positions (account_id, debits_seen) SELECT id, debits_posted FROM pools
  ), opened AS (
    INSERT INTO credit_grants (id, customer_id, account_id, class, origin, origin_id, priority, atoms, remaining_atoms)
      SELECT 'grt_' || replace(uuidv7()::text, '-', ''), customer_id, id, 'paid', 'correction', 'opening:' || customer_id,
             50, atoms, atoms
        FROM pools WHERE atoms > 0
    RETURNING id, atoms)
  INSERT INTO grant_movements (grant_id, at, kind, atoms) SELECT id, now(), 'granted', atoms FROM opened`;
