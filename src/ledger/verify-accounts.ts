import type { Tx } from '../database/tx';
import { type Check, check, type Fault, MAX_FAULTS } from './verification';
import type { VerificationRun } from './verification-run';

/* Accounts against what the walk has added up for them, on the snapshot on which it has come to the head. */

const LIMIT = `LIMIT ${MAX_FAULTS + 1}`;

export async function checkAccounts(tx: Tx, { seen, walker }: VerificationRun): Promise<Check[]> {
  const [counted] = await tx.query<{ accounts: bigint; holds: bigint; guarded: bigint }>(
    `SELECT count(*) AS accounts, count(*) FILTER (WHERE guarded) AS guarded,
            (SELECT count(*) FROM holds WHERE state = 'open') AS holds FROM ledger_accounts`,
  );
  const accounts = Number(counted?.accounts ?? 0);
  const faults = (sql: string) => tx.query<Fault>(sql);
  const ofRun = (sql: string) => tx.query<Fault>(sql, [walker.runId]);
  return [
    check('zero_sum', accounts, await faults(ZERO_SUM)),
    check('account_balances', accounts, await ofRun(ACCOUNT_BALANCES)),
    check('running_balances', seen.postings, [
      ...(seen.faults.running_balances ?? []),
      ...(await ofRun(LAST_BALANCES)),
    ]),
    check('assets_apart', seen.postings, seen.faults.assets_apart ?? []),
    check('held_amounts', Number(counted?.holds ?? 0), await faults(HELD_AMOUNTS)),
    check('guarded_accounts', Number(counted?.guarded ?? 0), await faults(GUARDED_ACCOUNTS)),
  ];
}

const ZERO_SUM = `
  SELECT asset AS subject, '0 atoms' AS expected, sum(credits_posted - debits_posted) || ' atoms' AS found
    FROM ledger_accounts GROUP BY asset HAVING sum(credits_posted - debits_posted) <> 0 ORDER BY asset`;

const SUMS = `
    FROM ledger_accounts account
    FULL JOIN (SELECT * FROM verification_accounts WHERE verification_id = $1) moved ON moved.account_id = account.id`;

const ACCOUNT_BALANCES = `
  SELECT coalesce(account.code || ' ' || account.asset, 'account ' || moved.account_id) AS subject,
         format('credits %s, debits %s', coalesce(moved.credits, 0), coalesce(moved.debits, 0)) AS expected,
         format('credits %s, debits %s', account.credits_posted, account.debits_posted) AS found ${SUMS}
   WHERE account.credits_posted IS DISTINCT FROM coalesce(moved.credits, 0)
      OR account.debits_posted IS DISTINCT FROM coalesce(moved.debits, 0)
   ORDER BY 1 ${LIMIT}`;

const LAST_BALANCES = `
  SELECT coalesce(account.code || ' ' || account.asset, 'account ' || moved.account_id) AS subject,
         format('%s after its last posting', account.credits_posted - account.debits_posted) AS expected,
         coalesce(moved.closing, 0)::text AS found ${SUMS}
   WHERE account.credits_posted - account.debits_posted IS DISTINCT FROM coalesce(moved.closing, 0)
   ORDER BY 1 ${LIMIT}`;

const HELD_AMOUNTS = `
  SELECT coalesce(account.code || ' ' || account.asset, 'account ' || open.account_id) AS subject,
         coalesce(open.atoms, 0) || ' atoms in open holds' AS expected, account.held || ' atoms held' AS found
    FROM ledger_accounts account
    FULL JOIN (SELECT account_id, sum(atoms) AS atoms FROM holds WHERE state = 'open' GROUP BY 1) open
      ON open.account_id = account.id
   WHERE account.held IS DISTINCT FROM coalesce(open.atoms, 0)
   ORDER BY 1 ${LIMIT}`;

const GUARDED_ACCOUNTS = `
  SELECT code || ' ' || asset AS subject, format('at least %s atoms', -credit_limit) AS expected,
         (credits_posted - debits_posted - held) || ' atoms' AS found
    FROM ledger_accounts WHERE guarded AND credits_posted - debits_posted - held + credit_limit < 0 ORDER BY 1 ${LIMIT}`;
