/** One statement and its rows. */
export type Ask = (sql: string, parameters?: unknown[]) => Promise<any[]>;

/**
 * What is wrong with the books, in words; empty when the invariants hold that every ledger must keep. Written anew
 * here, and not as the product verifies itself. To be asked while nobody writes.
 */
export async function brokenInvariants(ask: Ask): Promise<string[]> {
  const rows = await ask(
    Object.entries(INVARIANTS)
      .map(([name, sql]) => `(SELECT '${name}: ' || subject AS broken FROM (${sql}) AS t(subject) LIMIT 3)`)
      .join(' UNION ALL '),
  );
  return rows.map(({ broken }) => broken);
}

const ENTRIES = `SELECT DISTINCT entry_id, key FROM postings`;

const MOVES = `
  SELECT debit_account_id AS account, entry_id, line, -atoms AS delta, debit_balance_after AS after FROM postings WHERE line > 0
  UNION ALL
  SELECT credit_account_id, entry_id, line, atoms, credit_balance_after FROM postings WHERE line > 0`;

/** Each selects what breaks it. */
const INVARIANTS: Readonly<Record<string, string>> = {
  'each asset sums up to zero': `
    SELECT asset FROM ledger_accounts GROUP BY asset HAVING sum(credits_posted - debits_posted) <> 0`,
  'a movement has two sides of one asset, and lines are numbered': `
    SELECT format('entry %s line %s', entry_id, line) FROM postings p
      LEFT JOIN ledger_accounts d ON d.id = debit_account_id LEFT JOIN ledger_accounts c ON c.id = credit_account_id
     WHERE line > 0 AND NOT (d.asset = p.asset AND c.asset = p.asset AND d.id <> c.id AND atoms > 0) IS TRUE
    UNION ALL
    SELECT 'entry ' || entry_id FROM postings GROUP BY entry_id
    HAVING NOT (max(line) = count(*) AND min(line) = 1 OR max(line) = 0 AND count(*) = 1) OR count(DISTINCT posted_at) > 1`,
  'balances are the sums of postings': `
    SELECT code FROM ledger_accounts a
     WHERE credits_posted <> (SELECT coalesce(sum(atoms), 0) FROM postings WHERE credit_account_id = a.id)
        OR debits_posted <> (SELECT coalesce(sum(atoms), 0) FROM postings WHERE debit_account_id = a.id)`,
  'what is held is the sum of open holds': `
    SELECT code FROM ledger_accounts a
      LEFT JOIN (SELECT account_id, sum(atoms) AS atoms FROM holds WHERE state = 'open' GROUP BY 1) o ON o.account_id = a.id
     WHERE held <> coalesce(o.atoms, 0)`,
  'nobody guarded is below zero, or the credit limit': `
    SELECT code FROM ledger_accounts WHERE guarded AND credits_posted - debits_posted - held + credit_limit < 0
    UNION ALL
    SELECT 'entry ' || entry_id FROM (
      SELECT DISTINCT ON (account, entry_id) account, entry_id, after FROM (${MOVES}) m ORDER BY account, entry_id, line DESC) e
      JOIN ledger_accounts a ON a.id = account WHERE guarded AND after < 0 AND credit_limit = 0`,
  'what budgets hold is the sum of open holds that weigh on them': `
    SELECT 'counter ' || c.id FROM budget_counters c
      LEFT JOIN (SELECT s.id::bigint AS id, sum(atoms) AS atoms FROM holds, string_to_table(counters, ',') AS s(id)
                  WHERE state = 'open' GROUP BY 1) o ON o.id = c.id
     WHERE held_atoms <> coalesce(o.atoms, 0)`,
  'postings follow each other in the order of their ids': `
    SELECT format('account %s entry %s', account, entry_id) FROM (
      SELECT account, entry_id, line, after - delta AS before,
             coalesce(lag(after) OVER (PARTITION BY account ORDER BY entry_id, line), 0) AS previous
        FROM (${MOVES}) m) c
     WHERE before <> previous`,
  'an entry is known by one key or one hold, and they by it': `
    SELECT format('entry %s, key %s, hold %s', entry_id, k.key, h.id)
      FROM (${ENTRIES}) e FULL JOIN (SELECT entry_id, key FROM journal_keys) k USING (entry_id)
      FULL JOIN (SELECT entry_id, id FROM holds WHERE entry_id IS NOT NULL) h USING (entry_id)
     WHERE e.key IS NULL OR num_nonnulls(k.key, h.id) <> 1 OR k.key <> e.key
    UNION ALL
    SELECT 'entry ' || entry_id FROM (${ENTRIES}) e GROUP BY entry_id HAVING count(*) > 1`,
  'a hold is closed once, and only its capture has an entry': `
    SELECT 'hold ' || id FROM holds
     WHERE (state = 'open') <> (closed_at IS NULL) OR (state = 'captured') <> (entry_id IS NOT NULL)
        OR (state = 'captured') <> (input_hash IS NOT NULL)
    UNION ALL SELECT 'entry ' || entry_id FROM holds WHERE entry_id IS NOT NULL GROUP BY entry_id HAVING count(*) > 1`,
  'usage, invoice and entry come together': `
    SELECT format('call %s, invoice %s', u.id, i.id) FROM (SELECT * FROM usage_records WHERE atoms > 0 OR invoice_id IS NOT NULL) u
      FULL JOIN invoices i ON i.id = u.invoice_id
     WHERE u.id IS NULL OR i.id IS NULL OR (u.entry_id = i.entry_id AND u.atoms = i.atoms) IS NOT TRUE
        OR NOT EXISTS (SELECT FROM postings p WHERE p.entry_id = u.entry_id)`,
  'a flush has its postings, its digest and its link': `
    SELECT format('flush %s', id) FROM ledger_flushes f
      FULL JOIN (SELECT entry_id / 512 AS id, count(DISTINCT entry_id) AS entries, min(posted_at) AS posted_at,
                        sha256(convert_to(extract(epoch FROM min(posted_at)) || string_agg(ROW(entry_id, line, kind, key,
                          customer_id, debit_account_id, credit_account_id, asset, atoms, debit_balance_after,
                          credit_balance_after, memo, corrects, CASE WHEN effective_at <> posted_at
                          THEN extract(epoch FROM effective_at) END)::text, '' ORDER BY entry_id, line), 'UTF8')) AS digest
                   FROM postings GROUP BY 1) p USING (id)
      FULL JOIN (SELECT flush_id AS id, count(*) AS links FROM ledger_chain WHERE seq > 0 GROUP BY 1) l USING (id)
     WHERE (f.entries = p.entries AND f.digest = p.digest AND f.posted_at = p.posted_at AND l.links = 1) IS NOT TRUE`,
  'the chain has no gap, and each link names the one before': `
    SELECT 'link ' || seq FROM (
      SELECT l.seq, l.hash, lag(l.hash) OVER w AS before, lag(l.seq) OVER w AS previous, f.digest
        FROM ledger_chain l LEFT JOIN ledger_flushes f ON f.id = l.flush_id AND f.posted_at = l.posted_at
      WINDOW w AS (ORDER BY l.seq)) c
     WHERE seq > 0 AND (previous = seq - 1 AND hash = sha256(before || digest)) IS NOT TRUE`,
};
