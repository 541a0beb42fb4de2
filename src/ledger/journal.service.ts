import { Injectable } from '@nestjs/common';
import type { AssetCode } from '../common/asset';
import { DatabaseService } from '../database/database.service';

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

  /** Newest first, with their postings, in one query. */
  async entries(filter: EntryFilter, limit: number): Promise<PostedEntry[]> {
    const parameters: unknown[] = [];
    const clauses: string[] = [];
    const bind = (value: unknown) => `$${parameters.push(value)}`;
    if (filter.customerId !== undefined) clauses.push(`customer_id = ${bind(filter.customerId)}`);
    if (filter.kind !== undefined) clauses.push(`kind = ${bind(filter.kind)}`);
    if (filter.before !== undefined) clauses.push(`id < ${bind(filter.before.toString())}::bigint`);
    const where = clauses.length === 0 ? '' : `WHERE ${clauses.join(' AND ')}`;
    const rows = await this.database.query<EntryRow>(
      `SELECT entry.*, (${POSTINGS}) AS postings FROM journal_entries entry ${where} ORDER BY id DESC LIMIT ${limit}`,
      parameters,
    );
    return rows.map(toEntry);
  }
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
