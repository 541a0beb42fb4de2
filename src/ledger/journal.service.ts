import { Injectable } from '@nestjs/common';
import type { AssetCode } from '../common/asset';
import { DatabaseService } from '../database/database.service';
import { inIndexOrder } from './index-order';
import { MOST_LINES } from './statement-queries';

/** An entry as it is on the books, with the accounts that it moved. */
export interface PostedEntry {
  readonly id: bigint;
  readonly postedAt: Date;
  readonly effectiveAt: Date;
  readonly kind: string;
  readonly key: string;
  readonly customerId: string | null;
  readonly memo: Readonly<Record<string, string>> | null;
  /** The entry that this one corrects. */
  readonly corrects: bigint | null;
  readonly postings: readonly PostedPosting[];
}

/** Integers are decimal strings. */
export interface PostedPosting {
  readonly line: number;
  readonly from: string;
  readonly to: string;
  readonly asset: AssetCode;
  readonly atoms: string;
  /** Balances afterwards: credits minus debits. */
  readonly fromBalanceAfter: string;
  readonly toBalanceAfter: string;
}

export interface EntryFilter {
  readonly customerId?: string | undefined;
  readonly kind?: string | undefined;
  /** Only entries before this one: the last id of the page that came before. */
  readonly before?: bigint | undefined;
}

/** Reads the journal. */
@Injectable()
export class JournalService {
  constructor(private readonly database: DatabaseService) {}

  /** Newest first, with their postings, in one query. A customer's are those that move one of its accounts. */
  async entries(filter: EntryFilter, limit: number): Promise<PostedEntry[]> {
    const { sql, parameters } = entriesQuery(filter, limit);
    return (await inIndexOrder(this.database, (tx) => tx.query<EntryRow>(sql, parameters))).map(toEntry);
  }
}

/** Exported so that a test can ask PostgreSQL for its plan. */
export function entriesQuery(filter: EntryFilter, limit: number): { sql: string; parameters: unknown[] } {
  const parameters: unknown[] = [];
  const bind = (value: unknown) => `$${parameters.push(value)}`;
  if (filter.customerId === undefined) {
    const kind = filter.kind === undefined ? 'true' : `kind = ${bind(filter.kind)}`;
    const before = filter.before === undefined ? 'true' : `id < ${bind(filter.before.toString())}::bigint`;
    const where = `${kind} AND ${before}`;
    const from = `FROM journal_entries entry WHERE ${where} ORDER BY id DESC LIMIT ${limit}`;
    return { sql: `SELECT entry.*, (${POSTINGS}) AS postings ${from}`, parameters };
  }
  const customer = bind(filter.customerId);
  const kind = filter.kind === undefined ? '' : ` AND kind = ${bind(filter.kind)}`;
  const end = bind((filter.before ?? 2n ** 63n - 1n).toString());
  // The newest of each side of each account, through its index (for the form see `statement-queries.ts`); then the
  // newest of those.
  const side = (account: string) => `
    (SELECT entry_id, posted_at FROM postings
      WHERE (${account}, entry_id) >= (account.id, 0) AND (${account}, entry_id) < (account.id, ${end}::bigint)${kind}
      ORDER BY ${account} DESC, entry_id DESC LIMIT ${limit * MOST_LINES})`;
  const sql = `
    WITH newest AS (
      SELECT DISTINCT entry_id, moved.posted_at
        FROM ledger_accounts account, LATERAL (${side('debit_account_id')} UNION ALL ${side('credit_account_id')}) moved
       WHERE account.customer_id = ${customer} ORDER BY entry_id DESC LIMIT ${limit})
    SELECT entry.*, (${POSTINGS}) AS postings
      FROM newest, LATERAL (SELECT * FROM journal_entries WHERE id = newest.entry_id AND posted_at = newest.posted_at LIMIT 1) entry
     ORDER BY id DESC`;
  return { sql, parameters };
}

// The instant leads to the month's partition, the id to the row.
const POSTINGS = `
  SELECT coalesce(json_agg(json_build_object('line', line, 'from', debit.code, 'to', credit.code, 'asset', posting.asset,
           'atoms', atoms::text, 'fromBalanceAfter', debit_balance_after::text,
           'toBalanceAfter', credit_balance_after::text) ORDER BY line), '[]')
    FROM postings posting
    JOIN ledger_accounts debit ON debit.id = debit_account_id
    JOIN ledger_accounts credit ON credit.id = credit_account_id
   WHERE posting.entry_id = entry.id AND posting.posted_at = entry.posted_at`;

interface EntryRow {
  id: bigint;
  posted_at: Date;
  effective_at: Date;
  kind: string;
  key: string;
  customer_id: string | null;
  memo: Record<string, string> | null;
  corrects: bigint | null;
  postings: PostedPosting[];
}

const toEntry = (row: EntryRow): PostedEntry => ({
  id: row.id,
  postedAt: row.posted_at,
  effectiveAt: row.effective_at,
  kind: row.kind,
  key: row.key,
  customerId: row.customer_id,
  memo: row.memo,
  corrects: row.corrects,
  postings: row.postings,
});
