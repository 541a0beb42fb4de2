import type { MigrationInterface, QueryRunner } from 'typeorm';

/** A budget that is made while calls are in flight counts what they hold, and what they are charged. */
export class BudgetCountersMade1700000039000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(MAKE);
    await runner.query(`REVOKE ALL ON FUNCTION make_budget_counter FROM PUBLIC`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP FUNCTION make_budget_counter`);
  }
}

// A hold does not say by which key it was asked for: of one key, only what is charged already can be told.
const MAKE = `
CREATE FUNCTION make_budget_counter(
  budget text, period_begins timestamptz, period_ends timestamptz, most bigint, refuses boolean, customer text, api_key text
) RETURNS void LANGUAGE plpgsql
  SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
  made bigint;
  accounts bigint[];
BEGIN
  -- As the ledger's functions take them: until this commits, nobody holds, frees or takes any of the customer's credit.
  SELECT array_agg(id) INTO accounts
    FROM (SELECT id FROM ledger_accounts WHERE customer_id = customer AND asset = 'USD' AND guarded
           ORDER BY id FOR NO KEY UPDATE) AS a;
  INSERT INTO budget_counters (budget_id, period_from, period_to, limit_atoms, hard, spent_atoms)
    SELECT budget, period_begins, period_ends, most, refuses, coalesce(sum(atoms), 0) FROM usage_records
     WHERE customer_id = customer AND asset = 'USD' AND occurred_at >= period_begins AND occurred_at < period_ends
       AND (api_key IS NULL OR api_key_id = api_key)
  ON CONFLICT (budget_id, period_from) DO NOTHING RETURNING id INTO made;
  IF made IS NULL OR api_key IS NOT NULL THEN RETURN; END IF;
  WITH weighing AS (
    UPDATE holds SET counters = concat_ws(',', counters, made)
     WHERE state = 'open' AND account_id = ANY (accounts) AND opened_at >= period_begins AND opened_at < period_ends
       -- Credit that is disputed is no call's.
       AND NOT EXISTS (SELECT FROM credit_grants WHERE frozen_by = holds.id)
    RETURNING atoms)
  UPDATE budget_counters SET held_atoms = (SELECT coalesce(sum(atoms), 0) FROM weighing) WHERE id = made;
END $$`;
