/*
 * What an account was, and what moved it. Both sides of it are asked through their own index, (account, entry_id); the
 * instants keep PostgreSQL from opening months that cannot be meant. An hour covers whatever waited for a lock.
 *
 * The account is never compared by `=` where there is an order: the primary key has that order as well, and a planner
 * that believes the account to be frequent would walk it through everybody's entries until it meets one of this account.
 * And the order is exactly the index's: with `line` in it, a planner that expects few rows reads them all to sort them.
 */

/** More lines than any entry in `entries.ts` has: enough to have the last one whole. */
export const MOST_LINES = 16;

/** Its last posting before an instant. $1 account, $2 instant */
export const LAST_BEFORE = lastBefore('$1', '$2');

/** The same of the account and the instant that are written so in the statement around it. */
export function lastBefore(account: string, instant: string): string {
  const lastOf = (side: 'debit' | 'credit') => `
    (SELECT entry_id, line, ${side}_balance_after AS balance FROM postings
      WHERE (${side}_account_id, entry_id) >= (${account}, 0)
        AND (${side}_account_id, entry_id) < (${account}, (SELECT ledger_entries_until(${instant}::timestamptz)))
        AND posted_at < ${instant}::timestamptz
      ORDER BY ${side}_account_id DESC, entry_id DESC LIMIT ${MOST_LINES})`;
  return `
  SELECT entry_id, balance FROM (
    ${lastOf('credit')} UNION ALL ${lastOf('debit')}
  ) last ORDER BY entry_id DESC, line DESC LIMIT 1`;
}

/** Of entries dated otherwise: what was posted later and counts already, less what was posted and does not count yet. */
export const DATED_AFTER = `
  SELECT coalesce(sum(CASE WHEN credit_account_id = $1 THEN atoms ELSE -atoms END
                      * CASE WHEN entry_id > $3 THEN 1 ELSE -1 END), 0)::text AS atoms
    FROM postings
   WHERE effective_at <> posted_at AND (credit_account_id = $1 OR debit_account_id = $1)
     AND (entry_id > $3) = (effective_at < $2::timestamptz)`;

const COLUMNS = `
  entry_id, line, posted_at, effective_at, kind, key, corrects,
  to_char(effective_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS effective`;
const COUNTERPARTY = '(SELECT code FROM ledger_accounts WHERE id = other) AS counterparty';

// $1 account, $2 from, $3 to, $4 last entry before from, $5 last before to, $6 and $7 entry and line of the last page
// end, $8 rows
export const LINES_BY_POSTED = `
  SELECT lines.*, ${COUNTERPARTY} FROM (
    ${pageOf('credit', 'debit', 'atoms')} UNION ALL ${pageOf('debit', 'credit', '-atoms')}
  ) lines ORDER BY entry_id, line LIMIT $8`;

function pageOf(side: string, other: string, atoms: string): string {
  return `
    (SELECT ${COLUMNS}, ${other}_account_id AS other, ${atoms} AS atoms, ${side}_balance_after AS balance FROM postings
      WHERE (${side}_account_id, entry_id) > ($1, greatest($4, $6::bigint - 1))
        AND (${side}_account_id, entry_id) <= ($1, $5) AND (entry_id, line) > ($6, $7)
        AND posted_at >= $2::timestamptz - interval '1 hour' AND posted_at < $3::timestamptz + interval '1 hour'
      ORDER BY ${side}_account_id, entry_id LIMIT $8 + ${MOST_LINES})`;
}

// The same, $9 effective date of the last page end, $10 opening balance
export const LINES_BY_EFFECTIVE = `
  SELECT lines.*, ${COUNTERPARTY} FROM (
    SELECT *, sum(atoms) OVER (ORDER BY effective_at, entry_id, line) + $10::bigint AS balance FROM (
      ${datedOf('credit', 'debit', 'atoms')} UNION ALL ${datedOf('debit', 'credit', '-atoms')}) moves
  ) lines
   WHERE (effective_at, entry_id, line) > ($9::timestamptz, $6, $7)
   ORDER BY effective_at, entry_id, line LIMIT $8`;

function datedOf(side: string, other: string, atoms: string): string {
  const move = `SELECT ${COLUMNS}, ${other}_account_id AS other, ${atoms} AS atoms FROM postings WHERE ${side}_account_id = $1`;
  return `
      ${move} AND entry_id > $4 AND entry_id <= $5 AND effective_at = posted_at
          AND posted_at >= $2::timestamptz - interval '1 hour' AND posted_at < $3::timestamptz + interval '1 hour'
      UNION ALL
      ${move} AND effective_at <> posted_at AND effective_at >= $2::timestamptz AND effective_at < $3::timestamptz`;
}
