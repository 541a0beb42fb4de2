import type { MigrationInterface, QueryRunner } from 'typeorm';

/** When the books were compared with whoever keeps a second record of our money, and what did not match. */
export class Reconciliation1700000031000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    // A nightly run has its day in UTC: there is one for each day. A run whose process has died is still `running`,
    // and nobody has its lock.
    await runner.query(`
      CREATE TABLE reconciliation_runs (
        id text PRIMARY KEY,
        kind text NOT NULL CHECK (kind IN ('asked', 'nightly')),
        day date CHECK ((kind = 'nightly') = (day IS NOT NULL)),
        sides text[] NOT NULL,
        window_from timestamptz NOT NULL,
        window_until timestamptz NOT NULL CHECK (window_until > window_from),
        state text NOT NULL CHECK (state IN ('waiting', 'running', 'finished', 'failed', 'interrupted')),
        created_at timestamptz NOT NULL DEFAULT now(),
        started_at timestamptz,
        finished_at timestamptz,
        UNIQUE (kind, day)
      )`);
    await runner.query(`
      CREATE TABLE reconciliation_outcomes (
        run_id text NOT NULL REFERENCES reconciliation_runs,
        side text NOT NULL CHECK (side IN ('stripe', 'chain', 'books')),
        state text NOT NULL CHECK (state IN ('done', 'failed')),
        counts jsonb NOT NULL,
        balances jsonb NOT NULL,
        found integer NOT NULL,
        error text CHECK ((state = 'failed') = (error IS NOT NULL)),
        finished_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (run_id, side)
      )`);
    await runner.query(`
      CREATE INDEX reconciliation_outcomes_by_side ON reconciliation_outcomes (side, state, finished_at DESC)`);
    // amount: what the other side has more than the books. resolved_entry: null where it was waived. gone_at: of a
    // resolved one, since when it is not found any more. times: how often it was opened.
    await runner.query(`
      CREATE TABLE discrepancies (
        id text PRIMARY KEY,
        side text NOT NULL CHECK (side IN ('stripe', 'chain', 'books')),
        kind text NOT NULL,
        ref text NOT NULL,
        asset text NOT NULL,
        amount_atoms bigint NOT NULL,
        customer_id text,
        suggested_cause text NOT NULL,
        state text NOT NULL CHECK (state IN ('open', 'resolved', 'vanished')),
        since timestamptz NOT NULL,
        first_seen timestamptz NOT NULL DEFAULT now(),
        last_seen timestamptz NOT NULL DEFAULT now(),
        times integer NOT NULL DEFAULT 1,
        resolved_at timestamptz,
        resolved_by text,
        reason text,
        resolved_from text,
        resolved_to text,
        resolved_entry bigint,
        gone_at timestamptz,
        UNIQUE (side, kind, ref),
        CHECK (CASE state WHEN 'resolved' THEN num_nulls(resolved_at, resolved_by, reason) = 0
                          ELSE num_nonnulls(resolved_at, resolved_by, reason, resolved_entry, gone_at) = 0 END),
        CHECK (num_nonnulls(resolved_entry, resolved_from, resolved_to) IN (0, 3))
      )`);
    await runner.query(`CREATE INDEX discrepancies_open ON discrepancies (since, id) WHERE state = 'open'`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE discrepancies`);
    await runner.query(`DROP TABLE reconciliation_outcomes`);
    await runner.query(`DROP TABLE reconciliation_runs`);
  }
}
