import type { Tx } from '../database/tx';
import { revenue } from './ledger-account';
import { extentOf, partitionsOf } from './partitions';
import { AssetSums, type Check, check, type Fault, MAX_FAULTS, unequalSums } from './verification';

/*
 * Usage records (each with its invoice in the same row) against the entries that charged them. A charge is posted soon
 * after its call: each part of `usage_records` is joined to what was posted around it, and what finds no partner there
 * is looked for everywhere before it counts as a fault.
 *
 * No snapshot: everything is as of the last entry of each revenue account. The entries of one account are posted one
 * after the other, with ascending ids, and usage comes in the transaction of its entry; so what has an id up to that
 * one is complete, and never changes again.
 */

const LIMIT = `LIMIT ${MAX_FAULTS + 1}`;
const REVENUE_ACCOUNTS = `SELECT id FROM ledger_accounts WHERE code = '${revenue('USD').code}'`;
/** The clocks of a replica and the database may differ by a little; a settlement in doubt may take weeks. */
const AROUND = (time: string): string =>
  `${time} >= $1::timestamptz - interval '1 day' AND ${time} < $2::timestamptz + interval '40 days'`;
/** Of rows with `asset` and `entry_id`. An entry that no flush can have made yet is none to wait for. */
const UNTIL_THE_CUT = (row: string): string => `
  (${row}.entry_id IS NULL
   OR ${row}.entry_id <= coalesce((SELECT entry_id FROM usage_cut WHERE usage_cut.asset = ${row}.asset), 0)
   OR ${row}.entry_id > (SELECT coalesce(max(id), 0) * 512 + 511 FROM ledger_flushes))`;

/** On a session: statement by statement. `onStep` hears the part that is read next. */
export async function checkUsage(
  tx: Tx,
  onStep: (step: string, done: number, total: number) => void,
): Promise<Check[]> {
  const parts = await partitionsOf(tx, 'usage_records');
  const [usage, revenueSums] = [new AssetSums(), new AssetSums()];
  const counts: UsageCounts = { records: 0, charged: 0 };
  await prepareUsagePairs(tx);
  for (const [done, partition] of parts.entries()) {
    onStep(partition, done, parts.length + 1);
    await pairUsage(tx, partition, usage, counts);
  }
  onStep('all months', parts.length, parts.length + 1);
  await sumRevenue(tx, revenueSums);
  return [
    check('usage_and_entries', counts.records, await faultsOfEntries(tx, counts.charged)),
    check('usage_and_invoices', counts.charged, await tx.query<Fault>(WITHOUT_INVOICE)),
    check('usage_and_revenue', counts.records, unequalSums({ usage, revenue: revenueSums })),
  ];
}

export async function prepareUsagePairs(tx: Tx): Promise<void> {
  await tx.query(`
    CREATE TEMPORARY TABLE unpaired_usage (id uuid, customer_id text, asset text, atoms bigint, entry_id bigint)`);
  await tx.query(`
    CREATE TEMPORARY TABLE usage_cut AS
      SELECT account.asset, last.entry_id, last.atoms FROM ledger_accounts account
        JOIN LATERAL (
          (SELECT entry_id, line, credit_balance_after AS atoms FROM postings
            WHERE credit_account_id = account.id ORDER BY entry_id DESC, line DESC LIMIT 1)
          UNION ALL
          (SELECT entry_id, line, debit_balance_after FROM postings
            WHERE debit_account_id = account.id ORDER BY entry_id DESC, line DESC LIMIT 1)
          ORDER BY entry_id DESC, line DESC LIMIT 1) last ON true
       WHERE account.id IN (${REVENUE_ACCOUNTS})`);
}

export interface UsageCounts {
  records: number;
  /** Records with a charge above zero: each must be one entry's revenue. */
  charged: number;
}

/** Finds the partners of one part of `usage_records`; adds its charges to `sums` and its numbers to `counts`. */
export async function pairUsage(tx: Tx, partition: string, sums: AssetSums, counts: UsageCounts): Promise<void> {
  const extent = await extentOf(tx, partition, 'occurred_at');
  if (extent === null) return;
  await tx.query(
    `WITH revenue AS (${revenueOf(AROUND('posting.posted_at'))})
     INSERT INTO unpaired_usage
     SELECT usage.id, usage.customer_id, usage.asset, usage.atoms, usage.entry_id
       FROM ${partition} usage LEFT JOIN revenue USING (entry_id)
      WHERE (${NOT_THE_REVENUE}) AND ${UNTIL_THE_CUT('usage')}`,
    [extent.first, extent.last],
  );
  const rows = await tx.query<{ asset: string; atoms: string; records: bigint; charged: bigint }>(
    `SELECT asset, sum(atoms)::text AS atoms, count(*) AS records,
            count(DISTINCT entry_id) FILTER (WHERE atoms > 0) AS charged
       FROM ${partition} usage WHERE ${UNTIL_THE_CUT('usage')} GROUP BY asset`,
  );
  for (const row of rows) {
    sums.add(row.asset, BigInt(row.atoms));
    counts.records += Number(row.records);
    counts.charged += Number(row.charged);
  }
}

/** What the revenue accounts held after their last entry. */
export async function sumRevenue(tx: Tx, sums: AssetSums): Promise<void> {
  const rows = await tx.query<{ asset: string; atoms: bigint }>('SELECT asset, atoms FROM usage_cut');
  for (const row of rows) sums.add(row.asset, row.atoms);
}

/** Usage whose entry does not say the same, wherever it is; and entries with revenue that no usage explains. */
export async function faultsOfEntries(tx: Tx, charged: number): Promise<Fault[]> {
  const unpaired = await tx.query<Fault>(
    `WITH revenue AS (${revenueOf(`posting.entry_id IN (SELECT entry_id FROM unpaired_usage)`)})
     SELECT 'call ' || usage.id AS subject,
            format('%s atoms of %s by %s in entry %s', usage.atoms, usage.asset, usage.customer_id, usage.entry_id) AS expected,
            coalesce(format('%s atoms of %s by %s', revenue.atoms, revenue.asset, revenue.customer_id), 'no revenue') AS found
       FROM unpaired_usage usage LEFT JOIN revenue USING (entry_id)
      WHERE ${NOT_THE_REVENUE} ORDER BY usage.id ${LIMIT}`,
  );
  const [posted] = await tx.query<{ entries: bigint }>(
    `SELECT count(DISTINCT entry_id) AS entries FROM postings posting
      WHERE credit_account_id IN (${REVENUE_ACCOUNTS}) AND ${UNTIL_THE_CUT('posting')}`,
  );
  if (Number(posted?.entries ?? 0) === charged) return unpaired;
  const unexplained = await tx.query<Fault>(
    `SELECT DISTINCT 'entry ' || entry_id AS subject, 'a call that it charges' AS expected, 'no usage record' AS found
       FROM postings posting WHERE credit_account_id IN (${REVENUE_ACCOUNTS}) AND ${UNTIL_THE_CUT('posting')}
        AND NOT EXISTS (SELECT FROM usage_records usage WHERE usage.entry_id = posting.entry_id AND usage.atoms > 0) ${LIMIT}`,
  );
  const numbers = {
    subject: 'charged calls and entries with revenue',
    expected: `${charged} entries`,
    found: `${posted?.entries} entries`,
  };
  return [...unpaired, ...unexplained, numbers];
}

/** An invoice is in the row of its call: asset, atoms, customer and entry cannot differ. */
const WITHOUT_INVOICE = `
  SELECT 'call ' || id AS subject, format('an invoice over %s atoms of %s', atoms, asset) AS expected, 'none' AS found
    FROM usage_records WHERE atoms > 0 AND invoice_id IS NULL ORDER BY occurred_at ${LIMIT}`;

/** Revenue by entry, and whose account paid it. */
const revenueOf = (which: string): string => `
  SELECT posting.entry_id, posting.asset, sum(posting.atoms) AS atoms, min(payer.customer_id) AS customer_id
    FROM postings posting JOIN ledger_accounts payer ON payer.id = posting.debit_account_id
   WHERE posting.credit_account_id IN (${REVENUE_ACCOUNTS}) AND ${which} GROUP BY 1, 2`;

const NOT_THE_REVENUE = `
  (usage.atoms > 0 AND (revenue.entry_id IS NULL OR revenue.asset <> usage.asset OR revenue.atoms <> usage.atoms
                        OR revenue.customer_id IS DISTINCT FROM usage.customer_id))
  OR (usage.atoms = 0 AND revenue.entry_id IS NOT NULL)`;
