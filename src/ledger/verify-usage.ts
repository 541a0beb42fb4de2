import type { Tx } from '../database/tx';
import { revenue } from './ledger-account';
import { extentOf } from './partitions';
import { type AssetSums, type Fault, MAX_FAULTS } from './verification';

/*
 * Usage records against the entries that charged them and the invoices that show them. A charge is posted soon after
 * its call: each part of `usage_records` is joined to what was posted around it, and what finds no partner there is
 * looked for everywhere before it counts as a fault.
 */

const LIMIT = `LIMIT ${MAX_FAULTS + 1}`;
const REVENUE_ACCOUNTS = `SELECT id FROM ledger_accounts WHERE code = '${revenue('USD').code}'`;
/** The clocks of a replica and the database may differ by a little; a settlement in doubt may take weeks. */
const AROUND = (time: string): string =>
  `${time} >= $1::timestamptz - interval '1 day' AND ${time} < $2::timestamptz + interval '40 days'`;

export const prepareUsagePairs = (tx: Tx): Promise<unknown> =>
  tx.query(`
    CREATE TEMPORARY TABLE unpaired_usage (
      pair text, id uuid, customer_id text, asset text, atoms bigint, entry_id bigint, invoice_id text
    ) ON COMMIT DROP`);

export interface UsageCounts {
  records: number;
  /** Records with a charge above zero: each must be one entry's revenue. */
  charged: number;
  invoiced: number;
}

/** Finds the partners of one part of `usage_records`; adds its charges to `sums` and its numbers to `counts`. */
export async function pairUsage(tx: Tx, partition: string, sums: AssetSums, counts: UsageCounts): Promise<void> {
  const extent = await extentOf(tx, partition, 'occurred_at');
  if (extent === null) return;
  const window = [extent.first, extent.last];
  await tx.query(
    `WITH revenue AS (${revenueOf(AROUND('posting.posted_at'))})
     INSERT INTO unpaired_usage
     SELECT 'entry', usage.id, usage.customer_id, usage.asset, usage.atoms, usage.entry_id, usage.invoice_id
       FROM ${partition} usage LEFT JOIN revenue USING (entry_id) WHERE ${NOT_THE_REVENUE}`,
    window,
  );
  await tx.query(
    `INSERT INTO unpaired_usage
     SELECT 'invoice', usage.id, usage.customer_id, usage.asset, usage.atoms, usage.entry_id, usage.invoice_id
       FROM ${partition} usage LEFT JOIN invoices invoice
         ON invoice.id = usage.invoice_id AND ${AROUND('invoice.issued_at')} WHERE ${NOT_THE_INVOICE}`,
    window,
  );
  const rows = await tx.query<{ asset: string; atoms: string; records: bigint; charged: bigint; invoiced: bigint }>(
    `SELECT asset, sum(atoms)::text AS atoms, count(*) AS records, count(DISTINCT entry_id) FILTER (WHERE atoms > 0) AS charged,
            count(invoice_id) AS invoiced FROM ${partition} GROUP BY asset`,
  );
  for (const row of rows) {
    sums.add(row.asset, BigInt(row.atoms));
    counts.records += Number(row.records);
    counts.charged += Number(row.charged);
    counts.invoiced += Number(row.invoiced);
  }
}

/** Adds up one part of `invoices`; returns how many there are. */
export async function sumInvoices(tx: Tx, partition: string, sums: AssetSums): Promise<number> {
  const rows = await tx.query<{ asset: string; atoms: string; rows: bigint }>(
    `SELECT asset, sum(atoms)::text AS atoms, count(*) AS rows FROM ${partition} GROUP BY asset`,
  );
  for (const row of rows) sums.add(row.asset, BigInt(row.atoms));
  return rows.reduce((total, row) => total + Number(row.rows), 0);
}

/** What the revenue accounts hold. */
export async function sumRevenue(tx: Tx, sums: AssetSums): Promise<void> {
  const rows = await tx.query<{ asset: string; atoms: bigint }>(
    `SELECT asset, credits_posted - debits_posted AS atoms FROM ledger_accounts WHERE id IN (${REVENUE_ACCOUNTS})`,
  );
  for (const row of rows) sums.add(row.asset, row.atoms);
}

/** Usage whose entry does not say the same, wherever it is; and entries with revenue that no usage explains. */
export async function faultsOfEntries(tx: Tx, charged: number): Promise<Fault[]> {
  const unpaired = await tx.query<Fault>(
    `WITH revenue AS (${revenueOf(`posting.entry_id IN (SELECT entry_id FROM unpaired_usage WHERE pair = 'entry')`)})
     SELECT 'call ' || usage.id AS subject,
            format('%s atoms of %s by %s in entry %s', usage.atoms, usage.asset, usage.customer_id, usage.entry_id) AS expected,
            coalesce(format('%s atoms of %s by %s', revenue.atoms, revenue.asset, revenue.customer_id), 'no revenue') AS found
       FROM unpaired_usage usage LEFT JOIN revenue USING (entry_id)
      WHERE pair = 'entry' AND (${NOT_THE_REVENUE}) ORDER BY usage.id ${LIMIT}`,
  );
  const [posted] = await tx.query<{ entries: bigint }>(
    `SELECT count(DISTINCT entry_id) AS entries FROM postings WHERE credit_account_id IN (${REVENUE_ACCOUNTS})`,
  );
  if (Number(posted?.entries ?? 0) === charged) return unpaired;
  const unexplained = await tx.query<Fault>(
    `SELECT DISTINCT 'entry ' || entry_id AS subject, 'a call that it charges' AS expected, 'no usage record' AS found
       FROM postings WHERE credit_account_id IN (${REVENUE_ACCOUNTS})
        AND NOT EXISTS (SELECT FROM usage_records usage WHERE usage.entry_id = postings.entry_id AND usage.atoms > 0) ${LIMIT}`,
  );
  const numbers = {
    subject: 'charged calls and entries with revenue',
    expected: `${charged} entries`,
    found: `${posted?.entries} entries`,
  };
  return [...unpaired, ...unexplained, numbers];
}

/** Usage whose invoice does not say the same, wherever it is; and invoices of no call. */
export async function faultsOfInvoices(tx: Tx, invoiced: number, invoices: number): Promise<Fault[]> {
  const unpaired = await tx.query<Fault>(
    `SELECT 'call ' || usage.id AS subject,
            format('%s atoms of %s on invoice %s', usage.atoms, usage.asset, coalesce(usage.invoice_id, '(none)')) AS expected,
            coalesce(format('%s atoms of %s, entry %s', invoice.atoms, invoice.asset, invoice.entry_id), 'no such invoice') AS found
       FROM unpaired_usage usage LEFT JOIN invoices invoice ON invoice.id = usage.invoice_id
      WHERE pair = 'invoice' AND (${NOT_THE_INVOICE}) ORDER BY usage.id ${LIMIT}`,
  );
  if (invoiced === invoices) return unpaired;
  const unexplained = await tx.query<Fault>(
    `SELECT 'invoice ' || id AS subject, 'call ' || call_id AS expected, 'no usage record' AS found FROM invoices
      WHERE NOT EXISTS (SELECT FROM usage_records WHERE invoice_id = invoices.id AND usage_records.id = call_id) ${LIMIT}`,
  );
  const numbers = {
    subject: 'invoiced calls and invoices',
    expected: `${invoiced} invoices`,
    found: `${invoices} invoices`,
  };
  return [...unpaired, ...unexplained, numbers];
}

/** Revenue by entry, and whose account paid it. */
const revenueOf = (which: string): string => `
  SELECT posting.entry_id, posting.asset, sum(posting.atoms) AS atoms, min(payer.customer_id) AS customer_id
    FROM postings posting JOIN ledger_accounts payer ON payer.id = posting.debit_account_id
   WHERE posting.credit_account_id IN (${REVENUE_ACCOUNTS}) AND ${which} GROUP BY 1, 2`;

const NOT_THE_REVENUE = `
  (usage.atoms > 0 AND (revenue.entry_id IS NULL OR revenue.asset <> usage.asset OR revenue.atoms <> usage.atoms
                        OR revenue.customer_id IS DISTINCT FROM usage.customer_id))
  OR (usage.atoms = 0 AND revenue.entry_id IS NOT NULL)`;

const NOT_THE_INVOICE = `
  (usage.invoice_id IS NULL AND usage.atoms > 0)
  OR (usage.invoice_id IS NOT NULL AND (invoice.id IS NULL OR invoice.call_id <> usage.id OR invoice.asset <> usage.asset
      OR invoice.atoms <> usage.atoms OR invoice.entry_id IS DISTINCT FROM usage.entry_id
      OR invoice.customer_id IS DISTINCT FROM usage.customer_id))`;
