import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What customers let themselves and their keys spend in a day, a week, a month of their own calendar. */
export class Budgets1700000024300 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    // `budgets` of a customer is what stands in the table of that name and has not ended: the look-up of a key reads
    // it beside the key, at no further cost. Null for none.
    await runner.query(`ALTER TABLE customers ADD time_zone text NOT NULL DEFAULT 'UTC', ADD budgets jsonb`);
    await runner.query(`
      CREATE TABLE budgets (
        id text PRIMARY KEY,
        customer_id text NOT NULL REFERENCES customers,
        -- null: of all its keys together
        api_key_id text REFERENCES api_keys,
        period text NOT NULL CHECK (period IN ('day', 'week', 'month')),
        limit_atoms bigint NOT NULL CHECK (limit_atoms >= 0),
        hard boolean NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        ended_at timestamptz
      )`);
    await runner.query(`
      CREATE UNIQUE INDEX budgets_in_force ON budgets (customer_id, api_key_id, period) NULLS NOT DISTINCT
        WHERE ended_at IS NULL`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE budgets`);
    await runner.query(`ALTER TABLE customers DROP time_zone, DROP budgets`);
  }
}
