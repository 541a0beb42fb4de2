import type { MigrationInterface, QueryRunner } from 'typeorm';
import { APPLY as BEFORE } from './1700000005500-ledger-apply';

/**
 * `ledger_apply` with the rules of spending. What it accepts, `ledger_flush` would have decided in the same way: a hold
 * on an account whose credit ends before now, or on a budget that cannot bear it, is not as expected.
 */
export class LedgerApplyWithRules1700000024200 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await replaceWith(runner, APPLY);
  }

  async down(runner: QueryRunner): Promise<void> {
    await replaceWith(runner, BEFORE);
  }
}

async function replaceWith(runner: QueryRunner, definition: string): Promise<void> {
  await runner.query(`DROP FUNCTION ledger_apply`);
  await runner.query(definition);
  await runner.query(`REVOKE ALL ON FUNCTION ledger_apply FROM PUBLIC`);
}

const APPLY = `
CREATE FUNCTION ledger_apply(
  -- per account: what it receives, gives and has held in sum; how far it goes down on the way; whether it must bear that
  -- although it is not guarded; whether something of it is held
  account_ids bigint[], account_credits bigint[], account_debits bigint[], account_held bigint[], account_low bigint[],
  account_strict boolean[], account_holds boolean[],
  open_hold uuid[], open_account integer[], open_customer text[], open_atoms bigint[], open_at timestamptz[], open_until timestamptz[],
  -- the budget counters of a hold are told as '12,15'
  open_counters text[],
  close_hold uuid[], close_account integer[], close_atoms bigint[], close_state text[], close_entry integer[], close_hash uuid[],
  close_counters text[],
  key text[], key_hash uuid[], key_entry integer[],
  entry_kind text[], entry_key text[], entry_customer text[], entry_effective timestamptz[], entry_memo jsonb[], entry_corrects bigint[],
  -- per line: the balances afterwards are told from what they were before the flush
  line_entry integer[], line_no smallint[], line_debit integer[], line_credit integer[], line_asset text[], line_atoms bigint[],
  line_debit_after bigint[], line_credit_after bigint[],
  -- rows of usage_records, with the number of their entry, and the account whose balance they tell: what it gains till then
  usages jsonb,
  -- per budget counter: what is held and spent of it in sum, and the most that it has gained right after a hold; null
  -- when nothing is held: what is delivered is charged, whatever the budget
  counter_ids bigint[], counter_held bigint[], counter_spent bigint[], counter_peak bigint[],
  OUT flush bigint, OUT free_before text, OUT used_before text
) LANGUAGE plpgsql
  SECURITY DEFINER SET search_path = public, pg_temp
  SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
DECLARE
  now_at timestamptz;
  n_entries integer := cardinality(entry_kind);
  before bigint[]; free bigint[]; as_expected boolean; crossed bigint[];
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
         SET credits_posted = r.credits_posted + u.credits, debits_posted = r.debits_posted + u.debits, held = r.held + u.held,
             watch_below = CASE WHEN u.debits > 0 AND r.watch_below > r.credits_posted + u.credits - r.debits_posted - u.debits
                                THEN NULL ELSE r.watch_below END
        FROM unnest(account_ids, account_credits, account_debits, account_held, account_low, account_strict, account_holds)
             AS u(id, credits, debits, held, low, strict, holds)
       WHERE r.id = u.id AND (r.credits_posted - r.debits_posted - r.held + r.credit_limit + u.low >= 0 OR NOT (r.guarded OR u.strict))
         AND (NOT u.holds OR r.guarded AND NOT r.frozen AND (r.next_expiry IS NULL OR r.next_expiry > clock_timestamp()))
      RETURNING r.id, OLD.credits_posted - OLD.debits_posted AS posted, OLD.held,
                OLD.watch_below IS NOT NULL AND NEW.watch_below IS NULL AS fell)
    SELECT array_agg(posted ORDER BY id), array_agg(posted - held ORDER BY id), array_agg(id) FILTER (WHERE fell)
      INTO before, free, crossed FROM moved
    HAVING count(*) = cardinality(account_ids);
    IF NOT FOUND THEN RAISE SQLSTATE 'TB001' USING MESSAGE = 'an account is not as expected'; END IF;
  END IF;
  IF cardinality(counter_ids) > 0 THEN
    WITH moved AS (
      UPDATE budget_counters c SET held_atoms = c.held_atoms + u.held, spent_atoms = c.spent_atoms + u.spent
        FROM unnest(counter_ids, counter_held, counter_spent, counter_peak) AS u(id, held, spent, peak)
       WHERE c.id = u.id AND (u.peak IS NULL OR NOT c.hard OR c.held_atoms + c.spent_atoms + u.peak <= c.limit_atoms)
      RETURNING c.id, OLD.held_atoms + OLD.spent_atoms AS used)
    SELECT string_agg(used::text, ',' ORDER BY id) INTO used_before FROM moved HAVING count(*) = cardinality(counter_ids);
    IF NOT FOUND THEN RAISE SQLSTATE 'TB001' USING MESSAGE = 'a budget is not as expected'; END IF;
  END IF;
  -- Under the locks, so that the instants of an account's postings follow each other as their ids do.
  now_at := clock_timestamp();
  IF n_entries > 0 THEN flush := nextval('ledger_flush_ids'); END IF;
  IF cardinality(open_hold) > 0 THEN
    INSERT INTO holds (id, account_id, customer_id, atoms, state, opened_at, expires_at, counters)
      SELECT id, account_ids[account], customer, atoms, 'open', opened, expires, counters
        FROM unnest(open_hold, open_account, open_customer, open_atoms, open_at, open_until, open_counters)
             AS o(id, account, customer, atoms, opened, expires, counters);
  END IF;
  IF cardinality(close_hold) > 0 THEN
    -- The state is asked afterwards: as a condition, it could make a plan walk all open holds.
    WITH closed AS (
      UPDATE holds h SET closed_at = now_at, state = c.state, entry_id = flush * 512 + c.entry, input_hash = c.hash
        FROM unnest(close_hold, close_account, close_atoms, close_state, close_entry, close_hash, close_counters)
             AS c(id, account, atoms, state, entry, hash, counters)
       WHERE h.id = c.id
      RETURNING (OLD.state = 'open' AND h.account_id = account_ids[c.account] AND h.atoms = c.atoms
                 AND h.counters IS NOT DISTINCT FROM c.counters) IS TRUE AS as_expected)
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
  -- Once: the watch is set anew by whoever does the job.
  IF crossed IS NOT NULL THEN
    INSERT INTO jobs (id, name, payload, run_at)
      SELECT format('balance-crossed:%s:%s', id, flush), 'balance-crossed', jsonb_build_object('accountId', id::text), now()
        FROM unnest(crossed) AS c(id);
    PERFORM pg_notify('tollbridge_jobs', '');
  END IF;
  free_before := array_to_string(free, ',');
END $$`;
