import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The outbox: work that a transaction made necessary; and when what repeats is due next. */
export class Jobs1700000009000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE jobs (
        -- deterministic, such as stripe-fee:pi_1: the same work is one row
        id text PRIMARY KEY,
        -- the order of the operator's list, and its cursor
        seq bigint NOT NULL GENERATED ALWAYS AS IDENTITY UNIQUE,
        name text NOT NULL,
        payload jsonb NOT NULL,
        state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'queued', 'running', 'done', 'dead')),
        -- begun
        attempts integer NOT NULL DEFAULT 0,
        -- waiting: when it is due; queued: when it is sent to Redis again; running: the end of its lease
        run_at timestamptz NOT NULL,
        -- who runs it: with another one, nothing of it is committed
        claim uuid,
        last_error text,
        created_at timestamptz NOT NULL DEFAULT now(),
        finished_at timestamptz,
        CHECK ((state IN ('done', 'dead')) = (finished_at IS NOT NULL)),
        CHECK ((state = 'running') = (claim IS NOT NULL))
      )`);
    await runner.query(`CREATE INDEX jobs_due ON jobs (run_at) WHERE finished_at IS NULL`);
    await runner.query(`CREATE INDEX jobs_running ON jobs (claim) WHERE claim IS NOT NULL`);
    await runner.query(`CREATE INDEX jobs_dead ON jobs (seq) WHERE state = 'dead'`);
    await runner.query(`CREATE INDEX jobs_done ON jobs (finished_at) WHERE state = 'done'`);
    // A few rows, rewritten every second: room on the page keeps every version of them on it.
    await runner.query(`
      CREATE TABLE job_schedules (
        name text PRIMARY KEY,
        every_seconds integer NOT NULL CHECK (every_seconds > 0),
        next_run_at timestamptz NOT NULL,
        claim uuid,
        locked_until timestamptz,
        last_run_at timestamptz,
        -- the newest error, also when it has run well since; failures counts those in a row
        last_error text,
        last_error_at timestamptz,
        failures integer NOT NULL DEFAULT 0,
        CHECK ((claim IS NULL) = (locked_until IS NULL))
      ) WITH (fillfactor = 20)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE job_schedules`);
    await runner.query(`DROP TABLE jobs`);
  }
}
