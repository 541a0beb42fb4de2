import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The one writer of the ledger. `ledger_flush` takes what arrived together, locks the accounts in ascending order,
 * decides each operation in order on what its predecessors left, and writes once per table: the cost of a round trip,
 * a commit and eight statements is shared by everybody in the flush. It returns one verdict each.
 *
 * Operations name accounts by their position in `account_ids` (ascending). No two of one flush share a key or a hold:
 * the writer parks the second. Rows that must be atomic with an operation (usage record, invoice) travel with it and
 * are written only if it is applied.
 */
export class LedgerFlush1700000005000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(FLUSH);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP FUNCTION ledger_flush(jsonb, bigint[])`);
  }
}

// A plan made while the tables are empty would scan them for ever after: look-ups go through their indexes, always.
const FLUSH = `
CREATE FUNCTION ledger_flush(ops jsonb, account_ids bigint[]) RETURNS jsonb LANGUAGE plpgsql
  SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  now_at timestamptz := clock_timestamp();
  a_credits bigint[]; a_debits bigint[]; a_held bigint[]; a_guarded boolean[]; a_frozen boolean[];
  d_credits bigint[]; d_debits bigint[]; d_held bigint[]; f_frozen boolean[];
  op record;
  result jsonb;
  results jsonb[] := '{}';
  n_open integer := 0; o_id uuid[]; o_at timestamptz[]; o_account bigint[]; o_customer text[]; o_atoms bigint[]; o_expires timestamptz[];
  n_closed integer := 0; c_id uuid[]; c_at timestamptz[]; c_state text[];
  n_entries integer := 0; e_id bigint[]; e_effective timestamptz[]; e_kind text[]; e_key text[]; e_hash text[];
  e_customer text[]; e_memo jsonb[]; e_corrects bigint[];
  n_lines integer := 0; first_line integer; l_entry bigint[]; l_line smallint[]; l_debit integer[]; l_credit integer[];
  l_asset text[]; l_atoms bigint[]; l_debit_after bigint[]; l_credit_after bigint[];
  usages jsonb[] := '{}'; invoiced jsonb[] := '{}'; companion jsonb;
  posts boolean; short integer; entry_id bigint; line smallint; wanted bigint; taken bigint; debit integer; credit integer;
BEGIN
  SELECT array_agg(credits_posted), array_agg(debits_posted), array_agg(held), array_agg(guarded), array_agg(frozen),
         array_agg(0::bigint), array_agg(0::bigint), array_agg(0::bigint), array_agg(false)
    INTO a_credits, a_debits, a_held, a_guarded, a_frozen, d_credits, d_debits, d_held, f_frozen
    FROM (SELECT * FROM ledger_accounts WHERE id = ANY (account_ids) ORDER BY id FOR NO KEY UPDATE) locked
   HAVING array_agg(id) = account_ids OR cardinality(account_ids) = 0;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'account_ids must be existing accounts in ascending order' USING ERRCODE = 'invalid_parameter_value';
  END IF;

  FOR op IN
    SELECT o.*, k.entry_id AS first_entry, k.input_hash AS first_hash,
           h.state AS hold_state, h.atoms AS hold_atoms, h.account_id AS hold_account
      FROM ROWS FROM (jsonb_to_recordset(ops) AS (
             op text, id uuid, "openedAt" timestamptz, "expiresAt" timestamptz, account integer, customer text, held bigint,
             state text, key text, hash text, kind text, "effectiveAt" timestamptz, memo jsonb, corrects bigint,
             debits integer[], credits integer[], assets text[], atoms bigint[], overflows integer[],
             report integer, "rows" jsonb)) WITH ORDINALITY AS o
             (op, id, opened_at, expires_at, account, customer, held, state, key, hash, kind, effective_at, memo, corrects,
              debits, credits, assets, atoms, overflows, report, companions, n)
      LEFT JOIN LATERAL (SELECT * FROM journal_keys WHERE journal_keys.key = o.key LIMIT 1) k ON true
      LEFT JOIN LATERAL (SELECT * FROM holds WHERE holds.id = o.id AND holds.opened_at = o.opened_at LIMIT 1) h ON true
     ORDER BY o.n
  LOOP
    posts := false;
    entry_id := NULL;
    IF op.op = 'hold' THEN
      IF op.hold_state IS NOT NULL THEN
        result := CASE WHEN op.hold_atoms = op.held AND op.hold_account = account_ids[op.account]
          THEN jsonb_build_object('verdict', 'replayed', 'state', op.hold_state)
          ELSE '{"verdict": "key_conflict"}'::jsonb END;
      ELSIF a_frozen[op.account] OR NOT a_guarded[op.account]
            OR a_credits[op.account] - a_debits[op.account] - a_held[op.account] < op.held THEN
        result := jsonb_build_object('verdict', CASE WHEN a_frozen[op.account] THEN 'frozen' ELSE 'insufficient' END,
          'available', (a_credits[op.account] - a_debits[op.account] - a_held[op.account])::text, 'held', a_held[op.account]::text);
      ELSE
        a_held[op.account] := a_held[op.account] + op.held;
        d_held[op.account] := d_held[op.account] + op.held;
        n_open := n_open + 1;
        o_id[n_open] := op.id; o_at[n_open] := op.opened_at; o_account[n_open] := account_ids[op.account];
        o_customer[n_open] := op.customer; o_atoms[n_open] := op.held; o_expires[n_open] := op.expires_at;
        result := '{"verdict": "held"}'::jsonb;
      END IF;
    ELSIF op.first_entry IS NOT NULL THEN
      result := CASE WHEN op.first_hash = op.hash
        THEN jsonb_build_object('verdict', 'replayed', 'entry', op.first_entry::text)
        ELSE '{"verdict": "key_conflict"}'::jsonb END;
    ELSIF op.op <> 'post' AND op.hold_state IS DISTINCT FROM 'open' THEN
      result := jsonb_build_object('verdict', 'hold_closed', 'state', op.hold_state);
    ELSIF op.op <> 'post' AND op.hold_account <> account_ids[op.account] THEN
      result := '{"verdict": "key_conflict"}'::jsonb;
    ELSE
      IF op.op <> 'post' THEN
        a_held[op.account] := a_held[op.account] - op.hold_atoms;
        d_held[op.account] := d_held[op.account] - op.hold_atoms;
        n_closed := n_closed + 1;
        c_id[n_closed] := op.id; c_at[n_closed] := op.opened_at; c_state[n_closed] := op.state;
        result := '{"verdict": "released"}'::jsonb;
      END IF;
      posts := op.key IS NOT NULL;
    END IF;

    IF posts THEN
      entry_id := nextval('journal_entry_ids');
      first_line := n_lines + 1;
      line := 0;
      FOR i IN 1 .. coalesce(cardinality(op.debits), 0) LOOP
        wanted := op.atoms[i];
        debit := op.debits[i];
        credit := op.credits[i];
        WHILE wanted > 0 LOOP
          taken := wanted;
          IF op.overflows[i] <> debit THEN
            taken := least(wanted, greatest(a_credits[debit] - a_debits[debit] - a_held[debit], 0));
            IF taken < wanted THEN a_frozen[debit] := true; f_frozen[debit] := true; END IF;
          END IF;
          IF taken > 0 THEN
            a_debits[debit] := a_debits[debit] + taken;
            d_debits[debit] := d_debits[debit] + taken;
            a_credits[credit] := a_credits[credit] + taken;
            d_credits[credit] := d_credits[credit] + taken;
            line := line + 1;
            n_lines := n_lines + 1;
            l_entry[n_lines] := entry_id; l_line[n_lines] := line; l_debit[n_lines] := debit; l_credit[n_lines] := credit;
            l_asset[n_lines] := op.assets[i]; l_atoms[n_lines] := taken;
            l_debit_after[n_lines] := a_credits[debit] - a_debits[debit];
            l_credit_after[n_lines] := a_credits[credit] - a_debits[credit];
            wanted := wanted - taken;
          END IF;
          debit := op.overflows[i];
        END LOOP;
      END LOOP;
      short := NULL;
      FOR i IN first_line .. n_lines LOOP
        debit := l_debit[i];
        IF a_guarded[debit] AND a_credits[debit] - a_debits[debit] - a_held[debit] < 0 THEN short := debit; END IF;
      END LOOP;
      IF short IS NULL THEN
        n_entries := n_entries + 1;
        e_id[n_entries] := entry_id; e_effective[n_entries] := coalesce(op.effective_at, now_at); e_kind[n_entries] := op.kind;
        e_key[n_entries] := op.key; e_hash[n_entries] := op.hash; e_customer[n_entries] := op.customer;
        e_memo[n_entries] := op.memo; e_corrects[n_entries] := op.corrects;
        result := jsonb_build_object('verdict', 'posted', 'entry', entry_id::text);
      ELSE
        -- Refused as a whole: what its lines moved is moved back, and nobody has seen it.
        FOR i IN REVERSE n_lines .. first_line LOOP
          a_debits[l_debit[i]] := a_debits[l_debit[i]] - l_atoms[i];
          d_debits[l_debit[i]] := d_debits[l_debit[i]] - l_atoms[i];
          a_credits[l_credit[i]] := a_credits[l_credit[i]] - l_atoms[i];
          d_credits[l_credit[i]] := d_credits[l_credit[i]] - l_atoms[i];
        END LOOP;
        n_lines := first_line - 1;
        IF op.op <> 'post' THEN
          a_held[op.account] := a_held[op.account] + op.hold_atoms;
          d_held[op.account] := d_held[op.account] + op.hold_atoms;
          n_closed := n_closed - 1;
        END IF;
        result := jsonb_build_object('verdict', 'insufficient',
          'available', (a_credits[short] - a_debits[short] - a_held[short])::text, 'held', a_held[short]::text);
      END IF;
    END IF;

    IF op.report IS NOT NULL THEN
      result := result || jsonb_build_object('balance', (a_credits[op.report] - a_debits[op.report] - a_held[op.report])::text);
    END IF;
    IF op.companions IS NOT NULL AND result->>'verdict' IN ('posted', 'released') THEN
      companion := jsonb_build_object('entry_id', result->'entry', 'balance_after', result->'balance');
      IF op.companions ? 'usage' THEN usages := usages || (op.companions->'usage' || companion); END IF;
      IF op.companions ? 'invoice' THEN invoiced := invoiced || (op.companions->'invoice' || companion); END IF;
    END IF;
    results := results || result;
  END LOOP;

  IF n_open > 0 THEN
    INSERT INTO holds (id, opened_at, account_id, customer_id, atoms, state, expires_at)
      SELECT id, opened_at, account, customer, atoms, 'open', expires
        FROM unnest(o_id, o_at, o_account, o_customer, o_atoms, o_expires) AS o(id, opened_at, account, customer, atoms, expires);
  END IF;
  IF n_closed > 0 THEN
    UPDATE holds SET state = c.new_state, closed_at = now_at
      FROM unnest(c_id[:n_closed], c_at[:n_closed], c_state[:n_closed]) AS c(id, at, new_state)
     WHERE holds.id = c.id AND holds.opened_at = c.at;
  END IF;
  IF n_entries > 0 THEN
    INSERT INTO journal_keys SELECT * FROM unnest(e_key, e_hash, e_id);
    INSERT INTO journal_entries (id, posted_at, effective_at, kind, key, customer_id, memo, corrects)
      SELECT id, now_at, effective, kind, key, customer, memo, corrects
        FROM unnest(e_id, e_effective, e_kind, e_key, e_customer, e_memo, e_corrects)
             AS e(id, effective, kind, key, customer, memo, corrects);
  END IF;
  IF n_lines > 0 THEN
    INSERT INTO postings (entry_id, line, posted_at, debit_account_id, credit_account_id, asset, atoms,
                          debit_balance_after, credit_balance_after)
      SELECT l.entry, l.line, now_at, account_ids[l.debit], account_ids[l.credit], l.asset, l.atoms, l.debit_after, l.credit_after
        FROM unnest(l_entry[:n_lines], l_line[:n_lines], l_debit[:n_lines], l_credit[:n_lines], l_asset[:n_lines], l_atoms[:n_lines],
                    l_debit_after[:n_lines], l_credit_after[:n_lines])
             AS l(entry, line, debit, credit, asset, atoms, debit_after, credit_after);
  END IF;
  UPDATE ledger_accounts a
     SET credits_posted = a.credits_posted + d.credits, debits_posted = a.debits_posted + d.debits,
         held = a.held + d.held, frozen = a.frozen OR d.frozen
    FROM unnest(account_ids, d_credits, d_debits, d_held, f_frozen) AS d(id, credits, debits, held, frozen)
   WHERE a.id = d.id AND (d.credits <> 0 OR d.debits <> 0 OR d.held <> 0 OR d.frozen);
  IF cardinality(usages) > 0 THEN
    INSERT INTO usage_records SELECT * FROM jsonb_populate_recordset(null::usage_records, to_jsonb(usages));
  END IF;
  IF cardinality(invoiced) > 0 THEN
    INSERT INTO invoices SELECT * FROM jsonb_populate_recordset(null::invoices, to_jsonb(invoiced));
  END IF;
  RETURN to_jsonb(results);
END $$`;
