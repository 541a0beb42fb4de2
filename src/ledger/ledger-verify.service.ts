import { Injectable } from '@nestjs/common';
import { DatabaseService } from '../database/database.service';
import { Snapshot } from '../database/snapshot.client';
import type { Tx } from '../database/tx';
import { partitionsOf } from './partitions';
import {
  AssetSums,
  type Check,
  check,
  type Fault,
  MAX_FAULTS,
  unequalSums,
  type VerificationProgress,
  type VerificationReport,
} from './verification';
import { checkAccounts, prepareAccountSums, sumAccounts } from './verify-accounts';
import { countKeysAndEntries, entriesWithoutKey, postingsWithoutEntry } from './verify-entries';
import {
  faultsOfEntries,
  faultsOfInvoices,
  pairUsage,
  prepareUsagePairs,
  sumInvoices,
  sumRevenue,
  type UsageCounts,
} from './verify-usage';

/** A month of a large service takes minutes to sort. */
const STATEMENT_SECONDS = 3600;
const IDLE_SECONDS = 60;

/** Proves the books: from the rows alone, on one snapshot, while calls go on. */
@Injectable()
export class LedgerVerifyService {
  constructor(private readonly database: DatabaseService) {}

  /**
   * Every check, month by month, in constant memory here; the database sorts on disk. `onProgress` hears each step
   * before it begins. Needs the right to make temporary tables.
   */
  async verify(onProgress: (progress: VerificationProgress) => void = () => undefined): Promise<VerificationReport> {
    const snapshot = await Snapshot.open(this.database, {
      statementSeconds: STATEMENT_SECONDS,
      idleSeconds: IDLE_SECONDS,
      temporaryTables: true,
    });
    try {
      return await verifyOn(snapshot, onProgress);
    } finally {
      await snapshot.close();
    }
  }
}

async function verifyOn(tx: Tx, onProgress: (progress: VerificationProgress) => void): Promise<VerificationReport> {
  const [taken] = await tx.query<{ at: Date }>('SELECT now() AS at');
  const parts = {
    postings: await partitionsOf(tx, 'postings'),
    entries: await partitionsOf(tx, 'journal_entries'),
    usage: await partitionsOf(tx, 'usage_records'),
    invoices: await partitionsOf(tx, 'invoices'),
  };
  let done = 0;
  const total = Object.values(parts).flat().length + 1;
  const step = (name: string): void => onProgress({ step: name, done: done++, total });

  const orphans = new FirstFaults();
  await prepareAccountSums(tx);
  for (const [index, partition] of parts.postings.entries()) {
    step(partition);
    await sumAccounts(tx, index, partition);
    orphans.add(await postingsWithoutEntry(tx, partition));
  }
  for (const partition of parts.entries) {
    step(partition);
    orphans.add(await entriesWithoutKey(tx, partition));
  }

  const usage = new AssetSums();
  const counts: UsageCounts = { records: 0, charged: 0, invoiced: 0 };
  await prepareUsagePairs(tx);
  for (const partition of parts.usage) {
    step(partition);
    await pairUsage(tx, partition, usage, counts);
  }
  const invoices = new AssetSums();
  let invoiceCount = 0;
  for (const partition of parts.invoices) {
    step(partition);
    invoiceCount += await sumInvoices(tx, partition, invoices);
  }

  step('all months');
  const keys = await countKeysAndEntries(tx);
  orphans.add(keys.faults);
  const revenue = new AssetSums();
  await sumRevenue(tx, revenue);
  const checks: Check[] = [
    ...(await checkAccounts(tx)),
    check('keys_and_entries', keys.entries, orphans.faults),
    check('usage_and_entries', counts.records, await faultsOfEntries(tx, counts.charged)),
    check('usage_and_invoices', invoiceCount, await faultsOfInvoices(tx, counts.invoiced, invoiceCount)),
    check('usage_invoices_revenue', counts.records, unequalSums({ usage, invoices, revenue })),
  ];
  return { ok: checks.every(({ ok }) => ok), takenAt: (taken?.at ?? new Date()).toISOString(), checks };
}

/** However many there are, only as many are kept as are shown. */
class FirstFaults {
  readonly faults: Fault[] = [];

  add(more: readonly Fault[]): void {
    this.faults.push(...more.slice(0, MAX_FAULTS - this.faults.length));
  }
}
