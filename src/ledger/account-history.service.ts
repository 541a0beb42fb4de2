import { Injectable } from '@nestjs/common';
import type { AssetCode } from '../common/asset';
import { NotFoundError } from '../common/billing-error';
import { justAfter } from '../common/period';
import { DatabaseService } from '../database/database.service';
import { inIndexOrder } from './index-order';
import { encodeCursor, type StatementCursor } from './statement-cursor';
import { DATED_AFTER, LAST_BEFORE, LINES_BY_EFFECTIVE, LINES_BY_POSTED } from './statement-queries';

/** Which of an entry's dates counts: when it was written, or when what it tells happened. */
export type DatedBy = 'posted' | 'effective';

export interface AccountName {
  readonly code: string;
  readonly asset: AssetCode;
}

export interface StatementQuery {
  /** Inclusive. */
  readonly from: Date;
  /** Exclusive. */
  readonly to: Date;
  readonly by: DatedBy;
  readonly limit: number;
  readonly after?: StatementCursor | undefined;
}

/** Balances are credits minus debits, in atoms. */
export interface Statement {
  readonly opening: bigint;
  readonly closing: bigint;
  readonly lines: readonly StatementLine[];
  /** For the next page; `null` at the end. */
  readonly next: string | null;
}

export interface StatementLine {
  readonly entryId: bigint;
  readonly line: number;
  readonly postedAt: Date;
  readonly effectiveAt: Date;
  readonly kind: string;
  readonly key: string;
  /** The account on the other side. */
  readonly counterparty: string;
  /** What the account received; negative for what it gave. */
  readonly atoms: bigint;
  readonly balance: bigint;
  readonly corrects: bigint | null;
}

/**
 * Accounts as they were. By posting date, an account at an instant is what its last posting until then left, found
 * through an index; its postings count in the order in which they were applied. By effective date, the entries that are
 * dated otherwise than they were posted (few, in an index of their own) are put where they belong.
 */
@Injectable()
export class AccountHistoryService {
  constructor(private readonly database: DatabaseService) {}

  /** With everything dated `at` or before. @throws NotFoundError `account_not_found` */
  async balanceAt(account: AccountName, at: Date, by: DatedBy): Promise<bigint> {
    const id = await this.idOf(account);
    return (await balanceBefore(this.database, id, justAfter(at), by)).balance;
  }

  /** Zero for an account that was never named. */
  async balanceOrZero(account: AccountName, at: Date): Promise<bigint> {
    const id = await this.find(account);
    return id === undefined ? 0n : (await balanceBefore(this.database, id, justAfter(at), 'posted')).balance;
  }

  /** One page of what moved the account in a period. @throws NotFoundError `account_not_found` */
  async statement(account: AccountName, query: StatementQuery): Promise<Statement> {
    const id = await this.idOf(account);
    const [from, to] = [query.from.toISOString(), query.to.toISOString()];
    const opening = await balanceBefore(this.database, id, from, query.by);
    const closing = await balanceBefore(this.database, id, to, query.by);
    const { after, limit } = query;
    const parameters = [
      id,
      from,
      to,
      opening.entryId,
      closing.entryId,
      after?.entryId ?? 0n,
      after?.line ?? 0,
      limit + 1,
    ];
    const rows =
      query.by === 'posted'
        ? await inIndexOrder(this.database, (tx) => tx.query<LineRow>(LINES_BY_POSTED, parameters))
        : await this.database.query<LineRow>(LINES_BY_EFFECTIVE, [
            ...parameters,
            after?.effective ?? '-infinity',
            opening.balance,
          ]);
    const lines = rows.slice(0, limit).map(toLine);
    const last = rows.length > limit ? rows[limit - 1] : undefined;
    const next = last && encodeCursor({ effective: last.effective, entryId: last.entry_id, line: last.line });
    return { opening: opening.balance, closing: closing.balance, lines, next: next ?? null };
  }

  private async idOf(account: AccountName): Promise<bigint> {
    const id = await this.find(account);
    if (id !== undefined) return id;
    throw new NotFoundError({
      what: 'account',
      id: `${account.code} ${account.asset}`,
      hint: 'GET /admin/balances lists them.',
    });
  }

  private async find({ code, asset }: AccountName): Promise<bigint | undefined> {
    const [row] = await this.database.query<{ id: bigint }>(
      'SELECT id FROM ledger_accounts WHERE code = $1 AND asset = $2',
      [code, asset],
    );
    return row?.id;
  }
}

/** Of everything dated before `instant`; with the last entry that was posted before it. */
async function balanceBefore(
  database: DatabaseService,
  id: bigint,
  instant: string,
  by: DatedBy,
): Promise<{ entryId: bigint; balance: bigint }> {
  const [last] = await inIndexOrder(database, (tx) =>
    tx.query<{ entry_id: bigint; balance: bigint }>(LAST_BEFORE, [id, instant]),
  );
  const posted = { entryId: last?.entry_id ?? 0n, balance: last?.balance ?? 0n };
  if (by === 'posted') return posted;
  const [dated] = await database.query<{ atoms: string }>(DATED_AFTER, [id, instant, posted.entryId]);
  return { ...posted, balance: posted.balance + BigInt(dated?.atoms ?? 0) };
}

interface LineRow {
  entry_id: bigint;
  line: number;
  posted_at: Date;
  effective_at: Date;
  effective: string;
  kind: string;
  key: string;
  counterparty: string;
  atoms: bigint;
  balance: string;
  corrects: bigint | null;
}

const toLine = (row: LineRow): StatementLine => ({
  entryId: row.entry_id,
  line: row.line,
  postedAt: row.posted_at,
  effectiveAt: row.effective_at,
  kind: row.kind,
  key: row.key,
  counterparty: row.counterparty,
  atoms: row.atoms,
  balance: BigInt(row.balance),
  corrects: row.corrects,
});
