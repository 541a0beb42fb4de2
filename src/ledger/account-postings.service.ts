import { Injectable } from '@nestjs/common';
import { DatabaseService } from '../database/database.service';
import { inIndexOrder } from './index-order';
import type { LedgerAccount } from './ledger-account';
import { LedgerAccountsService } from './ledger-accounts.service';

/** What one entry did to one account. */
export interface AccountPosting {
  readonly entryId: bigint;
  readonly postedAt: Date;
  readonly kind: string;
  readonly customerId: string | null;
  readonly memo: Readonly<Record<string, string>>;
  readonly corrects: bigint | null;
  /** Credits minus debits: of an asset, what it gave is positive. */
  readonly atoms: bigint;
}

/** Reads an account entry by entry, for whoever follows it: on one account, ids are in the order of the commits. */
@Injectable()
export class AccountPostings {
  constructor(
    private readonly database: DatabaseService,
    private readonly accounts: LedgerAccountsService,
  ) {}

  /** The oldest entries behind `entryId`, at most `limit`; none: that was the last one. */
  async after(account: LedgerAccount, entryId: bigint, limit: number): Promise<AccountPosting[]> {
    const id = await this.accounts.idOf(account);
    return inIndexOrder(this.database, (tx) => tx.query<AccountPosting>(ENTRIES_AFTER, [id, entryId, limit]));
  }
}

// $1 account, $2 last entry read, $3 entries. Each entry is found by one step along the index, then read whole.
const ENTRIES_AFTER = `
  WITH RECURSIVE entries AS (
    SELECT ${nextAfter('$2::bigint')} AS id, 1 AS nth
    UNION ALL
    SELECT ${nextAfter('entries.id')}, nth + 1 FROM entries WHERE entries.id IS NOT NULL AND nth < $3::integer
  )
  SELECT entries.id AS "entryId", posted.*
    FROM entries, LATERAL (
      SELECT min(posted_at) AS "postedAt", min(kind) AS kind, min(customer_id) AS "customerId",
             coalesce((array_agg(memo))[1], '{}') AS memo, min(corrects) AS corrects,
             sum(CASE WHEN credit_account_id = $1::bigint THEN atoms ELSE -atoms END)::bigint AS atoms
        FROM postings
       WHERE entry_id = entries.id AND $1::bigint IN (credit_account_id, debit_account_id)
    ) posted
   WHERE entries.id IS NOT NULL ORDER BY nth`;

function nextAfter(entryId: string): string {
  const next = (side: string) => `
      (SELECT entry_id FROM postings
        WHERE (${side}_account_id, entry_id) > ($1::bigint, ${entryId})
          AND (${side}_account_id, entry_id) <= ($1::bigint, ${2n ** 63n - 1n})
        ORDER BY ${side}_account_id, entry_id LIMIT 1)`;
  return `least(${next('credit')}, ${next('debit')})`;
}
