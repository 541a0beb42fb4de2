import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The quick writer of the ledger. Nearly every flush does what its sender expects: no key was there before, every hold
 * is open, everybody can pay. The sender works out what then becomes of each account, and `ledger_apply` writes it as a
 * whole, on the balances that it finds, or refuses as a whole (SQLSTATE TB001, or a unique violation) so that
 * `ledger_flush` decides one by one. What it accepts, `ledger_flush` would have decided in the same way.
 *
 * Accounts are updated in ascending order, as `ledger_flush` locks them. Everybody names accounts by their position in
 * `account_ids`, and entries by their number in the flush, from 0.
 */
export class LedgerApply1700000005500 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(APPLY);
    await runner.query(`REVOKE ALL ON FUNCTION ledger_apply FROM PUBLIC`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP FUNCTION ledger_apply`);
  }
}

export const APPLY = `
CREATE FUNCTION ledger_apply(
  -- per account: what it receives, gives and has held in sum; how far it goes down on the way; whether it must bear that
  -- although it is not guarded; whether something of it is held
  account_ids bigint[], account_credits bigint[], account_debits bigint[], account_held bigint[], account_low bigint[],
  account_strict boolean[], account_holds boolean[],
  open_hold uuid[], open_account integer[], open_customer text[], open_atoms bigint[], open_at timestamptz[], open_until timestamptz[],
  close_hold uuid[], close_account integer[], close_atoms bigint[], close_state text[], close_entry integer[], close_hash uuid[],
  key text[], key_hash uuid[], key_entry integer[],
  entry_kind text[], entry_key text[], entry_customer text[], entry_effective timestamptz[], entry_memo jsonb[], entry_corrects bigint[],
  -- per line: the balances afterwards are told from what they were before the flush
  line_entry integer[], line_no smallint[], line_debit integer[], line_credit integer[], line_asset text[], line_atoms bigint[],
  line_debit_after bigint[], line_credit_after bigint[],
  -- rows of usage_records, with the number of their entry, and the account whose balance they tell: what it gains till then
  usages jsonb,
  OUT flush bigint, OUT free_before text
) LANGUAGE plpgsql
  SECURITY DEFINER SET search_path = public, pg_temp
  SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
DECLARE
  now_at timestamptz;
  n_entries integer := cardinality(entry_kind);
  before bigint[]; free bigint[]; as_expected boolean;
BEGIN
  -- Whoever calls this must not be able to move a balance without the postings and holds that say so.
  IF n_entries > 512 OR EXISTS (
    SELECT FROM (SELECT a, atoms, 0, 0 FROM unnest(line_credit, line_atoms) AS l(a, atoms)
                 UNION ALL SELECT a, 0, atoms, 0 FROM unnest(line_debit, line_atoms) AS l(a, atoms)
                 UNION ALL SELECT a, 0, 0, atoms FROM unnest(open_account, open_atoms) AS o(a, atoms)
                 UNION ALL SELECT a, 0, 0, -atoms FROM unnest(close_account, close_atoms) AS c(a, atoms)
                 UNION ALL SELECT a, -credits, -debits, -held
                   FROM unnest(account_credits, account_debits, account_held) WITH ORDINALITY AS s(credits, debits, held, a)
         ) AS m(a, credits, debits, held)
     WHERE a IS NOT NULL GROUP BY a HAVING sum(credits) <> 0 OR sum(debits) <> 0 OR sum(held) <> 0) THEN
    RAISE EXCEPTION 'the accounts do not move as the postings and holds say' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  IF cardinality(account_ids) > 0 THEN
    WITH moved AS (
      UPDATE ledger_accounts r
         SET credits_posted = r.credits_posted + u.credits, debits_posted = r.debits_posted + u.debits, held = r.held + u.held
        FROM unnest(account_ids, account_credits, account_debits, account_held, account_low, account_strict, account_holds)
             AS u(id, credits, debits, held, low, strict, holds)
       WHERE r.id = u.id AND (r.credits_posted - r.debits_posted - r.held + u.low >= 0 OR NOT (r.guarded OR u.strict))
         AND (NOT u.holds OR r.guarded AND NOT r.frozen)
      RETURNING r.id, OLD.credits_posted - OLD.debits_posted AS posted, OLD.held)
    SELECT array_agg(posted ORDER BY id), array_agg(posted - held ORDER BY id) INTO before, free FROM moved
    HAVING count(*) = cardinality(account_ids);
    IF NOT FOUND THEN RAISE SQLSTATE 'TB001' USING MESSAGE = 'an account is not as expected'; END IF;
  END IF;
  -- Under the locks, so that the instants of an account's postings follow each other as their ids do.
  now_at := clock_timestamp();
  IF n_entries > 0 THEN flush := nextval('ledger_flush_ids'); END IF;
  IF cardinality(open_hold) > 0 THEN
    INSERT INTO holds (id, account_id, customer_id, atoms, state, opened_at, expires_at)
      SELECT id, account_ids[account], customer, atoms, 'open', opened, expires
        FROM unnest(open_hold, open_account, open_customer, open_atoms, open_at, open_until)
             AS o(id, account, customer, atoms, opened, expires);
  END IF;
  IF cardinality(close_hold) > 0 THEN
    -- The state is asked afterwards: as a condition, it could make a plan walk all open holds.
    WITH closed AS (
      UPDATE holds h SET closed_at = now_at, state = c.state, entry_id = flush * 512 + c.entry, input_hash = c.hash
        FROM unnest(close_hold, close_account, close_atoms, close_state, close_entry, close_hash)
             AS c(id, account, atoms, state, entry, hash)
       WHERE h.id = c.id
      RETURNING (OLD.state = 'open' AND h.account_id = account_ids[c.account] AND h.atoms = c.atoms) IS TRUE AS as_expected)
    SELECT count(*) = cardinality(close_hold) AND bool_and(closed.as_expected) INTO as_expected FROM closed;
    IF as_expected IS NOT TRUE THEN RAISE SQLSTATE 'TB001' USING MESSAGE = 'a hold is not as expected'; END IF;
  END IF;
  IF cardinality(key) > 0 THEN
    INSERT INTO journal_keys
      SELECT k.key, k.hash, flush * 512 + k.entry FROM unnest(key, key_hash, key_entry) AS k(key, hash, entry);
  END IF;
  IF n_entries > 0 THEN
    -- The digest is over the lines in their order, which is the one in which they come and are written.
    WITH written AS (
      INSERT INTO postings (entry_id, line, posted_at, effective_at, kind, key, customer_id, debit_account_id, credit_account_id,
                            asset, atoms, debit_balance_after, credit_balance_after, memo, corrects)
        SELECT flush * 512 + e, l.no, now_at, coalesce(entry_effective[e + 1], now_at), entry_kind[e + 1], entry_key[e + 1],
               entry_customer[e + 1], account_ids[l.debit], account_ids[l.credit], l.asset, l.atoms,
               before[l.debit] + l.debit_after, before[l.credit] + l.credit_after, entry_memo[e + 1], entry_corrects[e + 1]
          FROM unnest(line_entry, line_no, line_debit, line_credit, line_asset, line_atoms, line_debit_after, line_credit_after)
               AS l(e, no, debit, credit, asset, atoms, debit_after, credit_after)
      RETURNING *)
    INSERT INTO ledger_flushes
      SELECT flush, now_at, n_entries,
             sha256(convert_to(extract(epoch FROM now_at) || string_agg(ROW(entry_id, line, kind, key, customer_id, debit_account_id, credit_account_id, asset, atoms, debit_balance_after, credit_balance_after, memo, corrects, CASE WHEN effective_at <> now_at THEN extract(epoch FROM effective_at) END)::text, ''), 'UTF8'))
        FROM written w;
  END IF;
  IF usages IS NOT NULL THEN
    INSERT INTO usage_records
      SELECT r.* FROM jsonb_array_elements(usages) u,
             LATERAL jsonb_populate_record(null::usage_records, u || jsonb_build_object(
               'entry_id', flush * 512 + (u->'entry')::integer,
               'balance_after', free[(u->'account')::integer] + (u->>'gain')::bigint)) r;
  END IF;
  free_before := array_to_string(free, ',');
END $$`;
