import type { Tx } from '../database/tx';
import { type Check, check, type Fault, MAX_FAULTS } from './verification';

/*
 * Balances against postings. Each part of `postings` is read once and summed up per account into a temporary table;
 * what is proved across parts is proved on those sums. One more fault than is shown is asked for: enough to know.
 */

const LIMIT = `LIMIT ${MAX_FAULTS + 1}`;

export const prepareAccountSums = (tx: Tx): Promise<unknown> =>
  tx.query(`
    CREATE TEMPORARY TABLE verified_accounts (
      part integer, account_id bigint, moves bigint, credits numeric, debits numeric, opening bigint, closing bigint,
      gaps bigint, first_gap bigint, foreign_moves bigint
    ) ON COMMIT DROP`);

/** Sums up one part of `postings`. `part` counts the parts from the oldest. */
export const sumAccounts = (tx: Tx, part: number, partition: string): Promise<unknown> =>
  tx.query(
    `WITH moves AS (
       SELECT debit_account_id AS account_id, entry_id, line, asset, -atoms AS delta, debit_balance_after AS after
         FROM ${partition}
       UNION ALL
       SELECT credit_account_id, entry_id, line, asset, atoms, credit_balance_after FROM ${partition}
     ), chained AS (
       SELECT *, lag(after) OVER (PARTITION BY account_id ORDER BY entry_id, line) AS previous,
              lead(after) OVER (PARTITION BY account_id ORDER BY entry_id, line) AS following
         FROM moves
     )
     INSERT INTO verified_accounts
     SELECT $1, account_id, count(*), coalesce(sum(delta) FILTER (WHERE delta > 0), 0),
            coalesce(-sum(delta) FILTER (WHERE delta < 0), 0),
            max(after - delta) FILTER (WHERE previous IS NULL), max(after) FILTER (WHERE following IS NULL),
            count(*) FILTER (WHERE after - delta <> previous), min(entry_id) FILTER (WHERE after - delta <> previous),
            count(*) FILTER (WHERE account.asset IS DISTINCT FROM chained.asset)
       FROM chained LEFT JOIN ledger_accounts account ON account.id = chained.account_id
      GROUP BY account_id`,
    [part],
  );

export async function checkAccounts(tx: Tx): Promise<Check[]> {
  const [counted] = await tx.query<{ accounts: bigint; moves: string; holds: bigint; guarded: bigint }>(
    `SELECT (SELECT count(*) FROM ledger_accounts) AS accounts,
            (SELECT coalesce(sum(moves), 0) FROM verified_accounts)::text AS moves,
            (SELECT count(*) FROM holds WHERE state = 'open') AS holds,
            (SELECT count(*) FROM ledger_accounts WHERE guarded) AS guarded`,
  );
  const faults = (sql: string) => tx.query<Fault>(sql);
  const accounts = Number(counted?.accounts ?? 0);
  const moves = Number(counted?.moves ?? 0);
  return [
    check('zero_sum', accounts, await faults(ZERO_SUM)),
    check('account_balances', accounts, await faults(ACCOUNT_BALANCES)),
    check('running_balances', moves, [...(await faults(GAPS)), ...(await faults(BROKEN_CHAINS))]),
    check('assets_apart', moves, await faults(FOREIGN_ASSETS)),
    check('held_amounts', Number(counted?.holds ?? 0), await faults(HELD_AMOUNTS)),
    check('guarded_accounts', Number(counted?.guarded ?? 0), await faults(GUARDED_ACCOUNTS)),
  ];
}

const ZERO_SUM = `
  SELECT asset AS subject, '0 atoms' AS expected, sum(credits_posted - debits_posted) || ' atoms' AS found
    FROM ledger_accounts GROUP BY asset HAVING sum(credits_posted - debits_posted) <> 0 ORDER BY asset`;

const ACCOUNT_BALANCES = `
  SELECT coalesce(account.code || ' ' || account.asset, 'account ' || moved.account_id) AS subject,
         format('credits %s, debits %s', coalesce(moved.credits, 0), coalesce(moved.debits, 0)) AS expected,
         format('credits %s, debits %s', account.credits_posted, account.debits_posted) AS found
    FROM ledger_accounts account
    FULL JOIN (SELECT account_id, sum(credits) AS credits, sum(debits) AS debits FROM verified_accounts GROUP BY 1) moved
      ON moved.account_id = account.id
   WHERE account.credits_posted IS DISTINCT FROM coalesce(moved.credits, 0)
      OR account.debits_posted IS DISTINCT FROM coalesce(moved.debits, 0)
   ORDER BY 1 ${LIMIT}`;

const GAPS = `
  SELECT format('account %s, entry %s', account_id, first_gap) AS subject,
         'the balance of the posting before' AS expected, gaps || ' gaps in the month' AS found
    FROM verified_accounts WHERE gaps > 0 ORDER BY 1 ${LIMIT}`;

/** From month to month, from zero at the beginning to the account's own balance at the end. */
const BROKEN_CHAINS = `
  WITH chained AS (
    SELECT account_id, opening, closing, coalesce(lag(closing) OVER by_part, 0) AS before,
           lead(opening) OVER by_part IS NULL AS newest
      FROM verified_accounts WINDOW by_part AS (PARTITION BY account_id ORDER BY part)
  )
  SELECT format('account %s', account_id) AS subject,
         format('opens at %s, ends at %s', before, CASE WHEN newest THEN account.credits_posted - account.debits_posted ELSE closing END) AS expected,
         format('opens at %s, ends at %s', opening, closing) AS found
    FROM chained LEFT JOIN ledger_accounts account ON account.id = account_id
   WHERE opening <> before OR newest AND closing IS DISTINCT FROM account.credits_posted - account.debits_posted
   ORDER BY 1 ${LIMIT}`;

const FOREIGN_ASSETS = `
  SELECT format('account %s', account_id) AS subject, 'postings in its own asset' AS expected,
         sum(foreign_moves) || ' in another' AS found
    FROM verified_accounts GROUP BY account_id HAVING sum(foreign_moves) > 0 ORDER BY 1 ${LIMIT}`;

const HELD_AMOUNTS = `
  SELECT coalesce(account.code || ' ' || account.asset, 'account ' || open.account_id) AS subject,
         coalesce(open.atoms, 0) || ' atoms in open holds' AS expected, account.held || ' atoms held' AS found
    FROM ledger_accounts account
    FULL JOIN (SELECT account_id, sum(atoms) AS atoms FROM holds WHERE state = 'open' GROUP BY 1) open
      ON open.account_id = account.id
   WHERE account.held IS DISTINCT FROM coalesce(open.atoms, 0)
   ORDER BY 1 ${LIMIT}`;

const GUARDED_ACCOUNTS = `
  SELECT code || ' ' || asset AS subject, 'at least 0 atoms' AS expected,
         (credits_posted - debits_posted - held) || ' atoms' AS found
    FROM ledger_accounts WHERE guarded AND credits_posted - debits_posted - held < 0 ORDER BY 1 ${LIMIT}`;
