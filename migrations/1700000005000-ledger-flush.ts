import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The one writer of the ledger. `ledger_flush` takes what arrived together, locks the accounts in ascending order,
 * decides each operation in order on what its predecessors left, and writes once per table: the cost of a round trip,
 * a commit and a few statements is shared by everybody in the flush. It returns one verdict each.
 *
 * Operations come as parallel arrays. `account_ids` are ascending, and everybody else names accounts by their position
 * in it. No two operations of one flush share a key or a hold: the writer parks the second. Rows that must be atomic
 * with an operation (the call's usage and invoice) travel with it and are written only if it is applied.
 */
export class LedgerFlush1700000005000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(FLUSH);
    await runner.query(`REVOKE ALL ON FUNCTION ledger_flush FROM PUBLIC`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP FUNCTION ledger_flush`);
  }
}

// A plan made while the tables are empty would scan them for ever after: look-ups go through their indexes, always.
// Entry ids are the flush's id times 512 plus their place in it: the entries of a flush are one range of ids.
export const FLUSH = `
CREATE FUNCTION ledger_flush(
  account_ids bigint[],
  -- per operation: 'h' hold, 'r' release, 'x' expire, 'c' capture, 'p' post
  ops text[], op_hold uuid[], op_account integer[], op_held bigint[], op_opened timestamptz[], op_expires timestamptz[],
  op_customer text[], op_report integer[], op_key text[], op_hash uuid[], op_kind text[], op_effective timestamptz[],
  op_memo jsonb[], op_corrects bigint[],
  -- per movement: the number of its operation; an overflow that is the debited account itself is none
  line_op integer[], line_debit integer[], line_credit integer[], line_overflow integer[], line_asset text[], line_atoms bigint[],
  -- rows of usage_records, with the number of their operation as "op"
  usages jsonb,
  OUT verdicts text, OUT entries text, OUT available text, OUT held text
) LANGUAGE plpgsql
  SECURITY DEFINER SET search_path = public, pg_temp
  SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
DECLARE
  now_at timestamptz;
  n integer := cardinality(ops);
  op text; a integer; d integer; c integer; short integer; k integer := 1; first_line integer; line smallint;
  wanted bigint; taken bigint; n_held integer := 0; n_closed integer := 0; n_keyed integer := 0; n_entries integer := 0;
  base bigint;
  -- per account: credits minus debits before and now, what of it is not held, what was debited here
  opening bigint[]; posted bigint[]; free bigint[]; guarded boolean[]; is_frozen boolean[]; debited bigint[];
  -- per operation: what is known of its key and its hold
  key_entry bigint[]; key_hash uuid[]; first_entry bigint[]; first_hash uuid[]; hold_state text[]; hold_atoms bigint[]; hold_account bigint[];
  -- per operation: what was decided. 'H' held, 'R' released, 'P' posted, 'A' replayed (again), 'I' insufficient,
  -- 'F' frozen, 'K' key conflict, 'o' 'c' 'r' 'x' hold closed and how ('n': there is no such hold)
  verdict text[] := array_fill(NULL::text, ARRAY[n]); entry bigint[] := array_fill(NULL::bigint, ARRAY[n]);
  told_free bigint[] := array_fill(NULL::bigint, ARRAY[n]); told_held bigint[] := array_fill(NULL::bigint, ARRAY[n]);
  v text;
  -- per movement
  m integer := cardinality(line_op);
  no_line bigint[] := array_fill(NULL::bigint, ARRAY[m]);
  line_no bigint[] := no_line; line_taken bigint[] := no_line; debit_after bigint[] := no_line; credit_after bigint[] := no_line;
  froze boolean[]; spill bigint[]; spill_debit_after bigint[]; spill_credit_after bigint[];
BEGIN
  IF n > 512 OR 0 >= ANY (line_atoms) THEN
    RAISE EXCEPTION 'at most 512 operations, and only movements of something' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  SELECT array_agg(p), array_agg(p), array_agg(p - r.held), array_agg(r.guarded), array_agg(r.frozen), array_agg(0::bigint)
    INTO opening, posted, free, guarded, is_frozen, debited
    FROM (SELECT * FROM ledger_accounts WHERE id = ANY (account_ids) ORDER BY id FOR NO KEY UPDATE) r,
         LATERAL (SELECT credits_posted - debits_posted AS p) q
   HAVING array_agg(r.id) = account_ids OR cardinality(account_ids) = 0;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'account_ids must be existing accounts in ascending order' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  -- Under the locks, so that the instants of an account's postings follow each other as their ids do.
  now_at := clock_timestamp();
  IF 'p' = ANY (ops) THEN
    SELECT array_agg(j.entry_id ORDER BY o.i), array_agg(j.input_hash ORDER BY o.i) INTO key_entry, key_hash
      FROM unnest(op_key) WITH ORDINALITY o(key, i)
      LEFT JOIN LATERAL (SELECT entry_id, input_hash FROM journal_keys 
                        WHERE journal_keys.key = CASE WHEN ops[o.i] = 'p' THEN o.key END LIMIT 1) j ON true;
  END IF;
  SELECT array_agg(h.state ORDER BY o.i), array_agg(h.atoms ORDER BY o.i), array_agg(h.account_id ORDER BY o.i),
         array_agg(coalesce(h.entry_id, key_entry[o.i]) ORDER BY o.i), array_agg(coalesce(h.input_hash, key_hash[o.i]) ORDER BY o.i)
    INTO hold_state, hold_atoms, hold_account, first_entry, first_hash
    FROM unnest(op_hold) WITH ORDINALITY o(id, i)
    LEFT JOIN LATERAL (SELECT * FROM holds WHERE holds.id = o.id LIMIT 1) h ON true;

  FOR i IN 1 .. n LOOP
    op := ops[i];
    a := op_account[i];
    IF op = 'h' THEN
      IF hold_state[i] IS NOT NULL THEN
        v := CASE WHEN hold_atoms[i] = op_held[i] AND hold_account[i] = account_ids[a] THEN 'A' ELSE 'K' END;
      ELSIF is_frozen[a] THEN
        v := 'F';
      ELSIF free[a] < op_held[i] OR NOT guarded[a] THEN
        v := 'I';
        told_free[i] := free[a];
        told_held[i] := posted[a] - free[a];
      ELSE
        v := 'H';
        free[a] := free[a] - op_held[i];
        n_held := n_held + 1;
      END IF;
    ELSIF op <> 'r' AND op <> 'x' AND first_entry[i] IS NOT NULL THEN
      v := 'K';
      IF first_hash[i] = op_hash[i] THEN
        v := 'A';
        entry[i] := first_entry[i];
      END IF;
    ELSIF op <> 'p' AND hold_state[i] IS DISTINCT FROM 'open' THEN
      v := CASE hold_state[i] WHEN 'captured' THEN 'c' WHEN 'released' THEN 'r' WHEN 'expired' THEN 'x' ELSE 'n' END;
    ELSIF op <> 'p' AND hold_account[i] <> account_ids[a] THEN
      v := 'K';
    ELSIF op = 'r' OR op = 'x' THEN
      v := 'R';
      free[a] := free[a] + hold_atoms[i];
      n_closed := n_closed + 1;
    ELSE
      v := 'P';
      IF op = 'c' THEN free[a] := free[a] + hold_atoms[i]; END IF;
      WHILE k <= m AND line_op[k] < i LOOP k := k + 1; END LOOP;
      first_line := k;
      line := 0;
      short := NULL;
      WHILE k <= m AND line_op[k] = i LOOP
        wanted := line_atoms[k];
        taken := wanted;
        d := line_debit[k];
        c := line_credit[k];
        IF line_overflow[k] <> d AND free[d] < wanted THEN
          taken := greatest(free[d], 0);
          IF spill IS NULL THEN
            spill := no_line;
            spill_debit_after := no_line;
            spill_credit_after := no_line;
            froze := array_fill(false, ARRAY[m]);
          END IF;
          froze[k] := NOT is_frozen[d];
          is_frozen[d] := true;
        END IF;
        posted[d] := posted[d] - taken;
        free[d] := free[d] - taken;
        debited[d] := debited[d] + taken;
        posted[c] := posted[c] + taken;
        free[c] := free[c] + taken;
        IF taken > 0 THEN line := line + 1; END IF;
        line_no[k] := line;
        line_taken[k] := taken;
        debit_after[k] := posted[d];
        credit_after[k] := posted[c];
        IF guarded[d] AND free[d] < 0 THEN short := d; END IF;
        IF taken < wanted THEN
          d := line_overflow[k];
          wanted := wanted - taken;
          posted[d] := posted[d] - wanted;
          free[d] := free[d] - wanted;
          debited[d] := debited[d] + wanted;
          posted[c] := posted[c] + wanted;
          free[c] := free[c] + wanted;
          line := line + 1;
          spill[k] := wanted;
          spill_debit_after[k] := posted[d];
          spill_credit_after[k] := posted[c];
          IF guarded[d] AND free[d] < 0 THEN short := d; END IF;
        END IF;
        k := k + 1;
      END LOOP;
      -- A later line may have brought what an earlier one lacked.
      IF short IS NOT NULL THEN
        short := NULL;
        FOR j IN first_line .. k - 1 LOOP
          IF guarded[line_debit[j]] AND free[line_debit[j]] < 0 THEN short := line_debit[j]; END IF;
        END LOOP;
      END IF;
      IF short IS NULL THEN
        base := coalesce(base, nextval('ledger_flush_ids') * 512);
        entry[i] := base + n_entries;
        n_entries := n_entries + 1;
        IF op = 'c' THEN n_closed := n_closed + 1; ELSE n_keyed := n_keyed + 1; END IF;
      ELSE
        -- Refused as a whole: what its lines moved is moved back, and nobody has seen it.
        v := 'I';
        FOR j IN first_line .. k - 1 LOOP
          d := line_debit[j];
          c := line_credit[j];
          posted[d] := posted[d] + line_taken[j];
          free[d] := free[d] + line_taken[j];
          debited[d] := debited[d] - line_taken[j];
          wanted := line_taken[j] + coalesce(spill[j], 0);
          posted[c] := posted[c] - wanted;
          free[c] := free[c] - wanted;
          IF spill[j] IS NOT NULL THEN
            IF froze[j] THEN is_frozen[d] := false; END IF;
            d := line_overflow[j];
            posted[d] := posted[d] + spill[j];
            free[d] := free[d] + spill[j];
            debited[d] := debited[d] - spill[j];
          END IF;
        END LOOP;
        IF op = 'c' THEN free[a] := free[a] - hold_atoms[i]; END IF;
        told_free[i] := free[short];
        told_held[i] := posted[short] - free[short];
      END IF;
    END IF;
    verdict[i] := v;
    IF op_report[i] IS NOT NULL AND v <> 'I' THEN told_free[i] := free[op_report[i]]; END IF;
  END LOOP;

  IF n_held > 0 THEN
    INSERT INTO holds (id, account_id, customer_id, atoms, state, opened_at, expires_at)
      SELECT id, account_ids[account], customer, atoms, 'open', opened, expires
        FROM unnest(op_hold, op_account, op_customer, op_held, op_opened, op_expires, verdict)
             AS o(id, account, customer, atoms, opened, expires, verdict)
       WHERE verdict = 'H';
  END IF;
  IF n_closed > 0 THEN
    UPDATE holds SET closed_at = now_at, entry_id = o.entry, input_hash = o.hash,
                     state = CASE o.op WHEN 'c' THEN 'captured' WHEN 'r' THEN 'released' ELSE 'expired' END
      FROM unnest(op_hold, ops, entry, op_hash, verdict) AS o(id, op, entry, hash, verdict)
     WHERE holds.id = o.id AND (o.verdict = 'R' OR o.verdict = 'P');
  END IF;
  IF n_keyed > 0 THEN
    INSERT INTO journal_keys
      SELECT o.key, o.hash, o.entry FROM unnest(ops, op_key, op_hash, entry, verdict) AS o(op, key, hash, entry, verdict)
       WHERE o.verdict = 'P' AND o.op = 'p';
  END IF;
  IF n_entries > 0 THEN
    WITH written AS (
      INSERT INTO postings (entry_id, line, posted_at, effective_at, kind, key, customer_id, debit_account_id, credit_account_id,
                            asset, atoms, debit_balance_after, credit_balance_after, memo, corrects)
        SELECT entry[o], l.line, now_at, coalesce(op_effective[o], now_at), op_kind[o], op_key[o], op_customer[o],
               account_ids[l.debit], account_ids[l.credit], l.asset, l.atoms, l.debit_after, l.credit_after, op_memo[o], op_corrects[o]
          FROM (SELECT op, line, debit, credit, asset, atoms, debit_after, credit_after
                  FROM unnest(line_op, line_no, line_debit, line_credit, line_asset, line_taken, debit_after, credit_after)
                       AS t(op, line, debit, credit, asset, atoms, debit_after, credit_after)
                 WHERE atoms > 0
                UNION ALL
                SELECT op, line + 1, debit, credit, asset, spilt, debit_after, credit_after
                  FROM unnest(line_op, line_no, line_overflow, line_credit, line_asset, spill, spill_debit_after, spill_credit_after)
                       AS s(op, line, debit, credit, asset, spilt, debit_after, credit_after)
                 WHERE spilt IS NOT NULL
                UNION ALL
                SELECT i, 0, NULL, NULL, NULL, 0, NULL, NULL FROM generate_series(1, n) AS e(i)
                 WHERE op_key[i] IS NOT NULL AND NOT i = ANY (line_op)) AS l(o, line, debit, credit, asset, atoms, debit_after, credit_after)
         WHERE verdict[o] = 'P'
      RETURNING *)
    INSERT INTO ledger_flushes
      SELECT base / 512, now_at, n_entries,
             sha256(convert_to(extract(epoch FROM now_at) || string_agg(ROW(entry_id, line, kind, key, customer_id, debit_account_id, credit_account_id, asset, atoms, debit_balance_after, credit_balance_after, memo, corrects, CASE WHEN effective_at <> now_at THEN extract(epoch FROM effective_at) END)::text, '' ORDER BY w.entry_id, w.line), 'UTF8'))
        FROM written w;
  END IF;
  UPDATE ledger_accounts r
     SET credits_posted = r.credits_posted + u.posted - u.opening + u.debited, debits_posted = r.debits_posted + u.debited,
         held = u.posted - u.free, frozen = u.frozen
    FROM unnest(account_ids, opening, posted, free, debited, is_frozen) AS u(id, opening, posted, free, debited, frozen)
   WHERE r.id = u.id AND (u.debited <> 0 OR u.posted <> u.opening OR u.posted - u.free <> r.held OR u.frozen <> r.frozen);
  IF usages IS NOT NULL THEN
    INSERT INTO usage_records
      SELECT r.* FROM jsonb_array_elements(usages) u, LATERAL (SELECT (u->'op')::integer AS op) o,
             LATERAL jsonb_populate_record(null::usage_records, u
               || jsonb_build_object('entry_id', entry[o.op], 'balance_after', told_free[o.op])) r
       WHERE verdict[o.op] IN ('P', 'R');
  END IF;
  verdicts := array_to_string(verdict, '');
  entries := array_to_string(entry, ',', '');
  available := array_to_string(told_free, ',', '');
  held := array_to_string(told_held, ',', '');
END $$`;
