import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The one writer of the ledger. `ledger_flush` takes what arrived together, locks the accounts in ascending
 * order, decides each operation on what its predecessors left, and returns one verdict each. Rows that must be
 * atomic with an operation (usage record, invoice) travel with it and are written only if it is applied.
 */
export class LedgerFlush1700000005000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(WRITE_ENTRY);
    await runner.query(HOLD);
    await runner.query(CLOSE_HOLD);
    await runner.query(FLUSH);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP FUNCTION ledger_flush(jsonb, bigint[])`);
    await runner.query(`DROP FUNCTION ledger_close_hold(jsonb, text)`);
    await runner.query(`DROP FUNCTION ledger_hold(jsonb)`);
    await runner.query(`DROP FUNCTION ledger_write_entry(jsonb)`);
  }
}

/**
 * Posts one entry, replays it, or refuses it. A line with `overflow` never fails for money: what the debit account
 * cannot bear is debited to the overflow account, and the debit account is frozen until that is repaid.
 */
const WRITE_ENTRY = `
CREATE FUNCTION ledger_write_entry(entry jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  first record;
  new_id bigint;
  now_at timestamptz := clock_timestamp();
  posting jsonb;
  line smallint := 0;
  wanted bigint;
  taken bigint;
  debit bigint;
  credit bigint;
  debit_after bigint;
  credit_after bigint;
  short_account bigint;
BEGIN
  SELECT entry_id, input_hash INTO first FROM journal_keys WHERE key = entry->>'key';
  IF FOUND THEN
    IF first.input_hash <> entry->>'hash' THEN RETURN jsonb_build_object('verdict', 'key_conflict'); END IF;
    RETURN jsonb_build_object('verdict', 'replayed', 'entry', first.entry_id::text);
  END IF;
  IF (entry->>'guarded')::boolean THEN
    SELECT account.id INTO short_account
      FROM (SELECT id, sum(delta) AS net FROM (
              SELECT (p->>'from')::bigint AS id, -(p->>'atoms')::bigint AS delta FROM jsonb_array_elements(entry->'postings') p
              UNION ALL
              SELECT (p->>'to')::bigint, (p->>'atoms')::bigint FROM jsonb_array_elements(entry->'postings') p) moves
            GROUP BY id) nets
      JOIN ledger_accounts account USING (id)
      WHERE account.guarded AND account.credits_posted - account.debits_posted - account.held + nets.net < 0 LIMIT 1;
    IF FOUND THEN
      RETURN (SELECT jsonb_build_object('verdict', 'insufficient', 'account', code,
                'available', (credits_posted - debits_posted - held)::text, 'held', held::text)
              FROM ledger_accounts WHERE id = short_account);
    END IF;
  END IF;
  new_id := nextval('journal_entry_ids');
  INSERT INTO journal_keys VALUES (entry->>'key', entry->>'hash', new_id);
  INSERT INTO journal_entries (id, posted_at, effective_at, kind, key, customer_id, memo, corrects)
    VALUES (new_id, now_at, coalesce((entry->>'effectiveAt')::timestamptz, now_at), entry->>'kind', entry->>'key',
            entry->>'customer', entry->'memo', (entry->>'corrects')::bigint);
  FOR posting IN SELECT * FROM jsonb_array_elements(entry->'postings') LOOP
    wanted := (posting->>'atoms')::bigint;
    debit := (posting->>'from')::bigint;
    credit := (posting->>'to')::bigint;
    WHILE wanted > 0 LOOP
      taken := wanted;
      IF posting ? 'overflow' AND debit <> (posting->>'overflow')::bigint THEN
        SELECT least(wanted, greatest(credits_posted - debits_posted - held, 0)) INTO taken
          FROM ledger_accounts WHERE id = debit;
        IF taken < wanted THEN UPDATE ledger_accounts SET frozen = true WHERE id = debit; END IF;
      END IF;
      IF taken > 0 THEN
        UPDATE ledger_accounts SET debits_posted = debits_posted + taken WHERE id = debit
          RETURNING credits_posted - debits_posted INTO debit_after;
        UPDATE ledger_accounts SET credits_posted = credits_posted + taken WHERE id = credit
          RETURNING credits_posted - debits_posted INTO credit_after;
        line := line + 1;
        INSERT INTO postings VALUES (new_id, line, now_at, debit, credit, posting->>'asset', taken, debit_after, credit_after);
        wanted := wanted - taken;
      END IF;
      debit := (posting->>'overflow')::bigint;
    END LOOP;
  END LOOP;
  RETURN jsonb_build_object('verdict', 'posted', 'entry', new_id::text);
END $$`;

/** Reserves money of a guarded account: all of it or nothing. A repeat under the same id returns the first result. */
const HOLD = `
CREATE FUNCTION ledger_hold(op jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  first record;
  account record;
  wanted bigint := (op->>'atoms')::bigint;
BEGIN
  SELECT state, atoms, account_id INTO first FROM holds
    WHERE id = (op->>'id')::uuid AND opened_at = (op->>'openedAt')::timestamptz;
  IF FOUND THEN
    IF first.atoms <> wanted OR first.account_id <> (op->>'account')::bigint THEN
      RETURN jsonb_build_object('verdict', 'key_conflict');
    END IF;
    RETURN jsonb_build_object('verdict', 'replayed', 'state', first.state);
  END IF;
  UPDATE ledger_accounts SET held = held + wanted
    WHERE id = (op->>'account')::bigint AND guarded AND NOT frozen AND credits_posted - debits_posted - held >= wanted;
  IF NOT FOUND THEN
    SELECT frozen, credits_posted - debits_posted - held AS available, held INTO account
      FROM ledger_accounts WHERE id = (op->>'account')::bigint;
    RETURN jsonb_build_object('verdict', CASE WHEN account.frozen THEN 'frozen' ELSE 'insufficient' END,
                              'available', account.available::text, 'held', account.held::text);
  END IF;
  INSERT INTO holds (id, opened_at, account_id, customer_id, atoms, state, expires_at)
    VALUES ((op->>'id')::uuid, (op->>'openedAt')::timestamptz, (op->>'account')::bigint, op->>'customer', wanted,
            'open', (op->>'expiresAt')::timestamptz);
  RETURN jsonb_build_object('verdict', 'held');
END $$`;

/** Frees an open hold's whole amount. Only one closer wins: everyone else learns the state that it left. */
const CLOSE_HOLD = `
CREATE FUNCTION ledger_close_hold(op jsonb, new_state text) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  closed record;
BEGIN
  UPDATE holds SET state = new_state, closed_at = clock_timestamp()
    WHERE id = (op->>'id')::uuid AND opened_at = (op->>'openedAt')::timestamptz AND state = 'open'
    RETURNING account_id, atoms INTO closed;
  IF NOT FOUND THEN
    RETURN (SELECT jsonb_build_object('verdict', 'hold_closed', 'state', max(state)) FROM holds
            WHERE id = (op->>'id')::uuid AND opened_at = (op->>'openedAt')::timestamptz);
  END IF;
  UPDATE ledger_accounts SET held = held - closed.atoms WHERE id = closed.account_id;
  RETURN jsonb_build_object('verdict', 'released');
END $$`;

const FLUSH = `
CREATE FUNCTION ledger_flush(ops jsonb, account_ids bigint[]) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  op jsonb;
  result jsonb;
  results jsonb[] := '{}';
  usages jsonb[] := '{}';
  invoiced jsonb[] := '{}';
  companion jsonb;
BEGIN
  PERFORM 1 FROM ledger_accounts WHERE id = ANY (account_ids) ORDER BY id FOR NO KEY UPDATE;
  FOR op IN SELECT * FROM jsonb_array_elements(ops) LOOP
    CASE op->>'op'
      WHEN 'hold' THEN result := ledger_hold(op);
      WHEN 'release' THEN result := ledger_close_hold(op, op->>'state');
      WHEN 'post' THEN result := ledger_write_entry(op->'entry');
      WHEN 'capture' THEN
        SELECT jsonb_build_object('verdict', CASE WHEN input_hash = op->'entry'->>'hash' THEN 'replayed' ELSE 'key_conflict' END,
                                  'entry', entry_id::text)
          INTO result FROM journal_keys WHERE key = op->'entry'->>'key';
        IF NOT FOUND THEN
          result := ledger_close_hold(op, 'captured');
          IF result->>'verdict' = 'released' THEN result := ledger_write_entry(op->'entry'); END IF;
        END IF;
    END CASE;
    IF op ? 'report' THEN
      SELECT result || jsonb_build_object('balance', (credits_posted - debits_posted - held)::text) INTO result
        FROM ledger_accounts WHERE id = (op->>'report')::bigint;
    END IF;
    IF op ? 'rows' AND result->>'verdict' IN ('posted', 'released') THEN
      companion := jsonb_build_object('entry_id', result->'entry', 'balance_after', result->'balance');
      IF op->'rows' ? 'usage' THEN usages := usages || (op->'rows'->'usage' || companion); END IF;
      IF op->'rows' ? 'invoice' THEN invoiced := invoiced || (op->'rows'->'invoice' || companion); END IF;
    END IF;
    results := results || result;
  END LOOP;
  IF cardinality(usages) > 0 THEN
    INSERT INTO usage_records SELECT * FROM jsonb_populate_recordset(null::usage_records, to_jsonb(usages));
  END IF;
  IF cardinality(invoiced) > 0 THEN
    INSERT INTO invoices SELECT * FROM jsonb_populate_recordset(null::invoices, to_jsonb(invoiced));
  END IF;
  RETURN to_jsonb(results);
END $$`;
