import { Injectable } from '@nestjs/common';
import { NotFoundError } from '../common/billing-error';
import type { Tx } from '../database/tx';
import type { LedgerAccount } from '../ledger/ledger-account';
import { allocate, type Share } from './allocation';
import type { CreditPool } from './credit-pool';
import { accountOf, type CreditGrant, inOrderOfUse, type NewGrant, newGrantId, priorityOf } from './grant';

/** What a movement does to what is left of its grant. */
const SIGNS = {
  granted: 0,
  consumed: -1,
  expired: -1,
  taken: -1,
  voided: -1,
  returned: 1,
  frozen: 0,
  thawed: 0,
} as const;
export type GrantMovement = keyof typeof SIGNS;

/** Rows of `credit_grants`, `credit_positions` and `grant_movements`; whoever writes has the account locked. */
@Injectable()
export class GrantStore {
  /** Of which something is left in these accounts, in the order of use. */
  async left(tx: Tx, ...accountIds: string[]): Promise<CreditGrant[]> {
    return inOrderOfUse((await tx.query<GrantRow>(LEFT, [accountIds])).map(toGrant));
  }

  /** `debits` of the account are accounted for from now on; `uncovered` of them by no grant. */
  async place(tx: Tx, accountId: string, debits: bigint, uncovered: bigint): Promise<void> {
    await tx.query(
      `INSERT INTO credit_positions (account_id, debits_seen, uncovered_atoms) VALUES ($1, $2, $3)
       ON CONFLICT (account_id) DO UPDATE SET debits_seen = $2, uncovered_atoms = $3`,
      [accountId, debits, uncovered],
    );
  }

  /** Further grants, which `entryId` credited. What no grant could bear before is borne by these, first of all. */
  async insert(tx: Tx, pool: CreditPool, grants: readonly NewGrant[], entryId: string): Promise<string[]> {
    // A payment that was all tax brings none.
    const given = grants.filter(({ amount }) => amount.atoms > 0n);
    const rows = given.map((grant) => ({
      id: grant.id ?? newGrantId(),
      class: grant.class,
      origin: grant.origin,
      origin_id: grant.originId,
      priority: priorityOf(grant),
      atoms: grant.amount.atoms.toString(),
      expires_at: grant.expiresAt?.toISOString() ?? null,
      models: grant.models ?? null,
    }));
    await tx.query(INSERT, [pool.customerId, pool.accountId, entryId, JSON.stringify(rows)]);
    const arrived = given.map(({ amount }, index) => ({ grantId: rows[index]?.id ?? '', atoms: amount.atoms }));
    await this.move(tx, 'granted', arrived, entryId);
    await this.cover(tx, pool, arrived);
    return arrived.map(({ grantId }) => grantId);
  }

  /** What just came to these grants bears what no grant could bear before. Returns what is left of that. */
  async cover(tx: Tx, { accountId, uncovered }: CreditPool, arrived: readonly Share[]): Promise<bigint> {
    const bearing = arrived.map(({ grantId, atoms }) => ({ id: grantId, remaining: atoms, frozen: 0n }));
    const { shares, left } = allocate(bearing, uncovered);
    if (shares.length === 0) return left;
    await this.move(tx, 'consumed', shares);
    await tx.query('UPDATE credit_positions SET uncovered_atoms = $2 WHERE account_id = $1', [accountId, left]);
    return left;
  }

  /** What calls hold of an account that were let in before `instant` and have not ended. */
  async heldBefore(tx: Tx, accountId: string, instant: Date): Promise<bigint> {
    const [row] = await tx.query<{ atoms: bigint }>(
      `SELECT coalesce(sum(atoms), 0)::bigint AS atoms FROM holds
        WHERE state = 'open' AND account_id = $1 AND opened_at < $2
          AND NOT EXISTS (SELECT FROM credit_grants WHERE frozen_by = holds.id)`,
      [accountId, instant],
    );
    return row?.atoms ?? 0n;
  }

  /** The grant, also when nothing is left of it. */
  async one(tx: Tx, grantId: string): Promise<CreditGrant> {
    const [row] = await tx.query<GrantRow>('SELECT * FROM credit_grants WHERE id = $1', [grantId]);
    if (!row) throw new NotFoundError({ what: 'grant', id: grantId });
    return toGrant(row);
  }

  /** How many times some of it has expired. */
  async timesExpired(tx: Tx, grantId: string): Promise<number> {
    const sql = `SELECT count(*)::integer AS times FROM grant_movements WHERE grant_id = $1 AND kind = 'expired'`;
    const [row] = await tx.query<{ times: number }>(sql, [grantId]);
    return row?.times ?? 0;
  }

  /** Gives a grant that has expired further days, for what just came back to it; one that was voided stays ended. */
  async extend(tx: Tx, grantId: string, days: number): Promise<void> {
    await tx.query(
      `UPDATE credit_grants SET expires_at = clock_timestamp() + make_interval(days => $2)
        WHERE id = $1 AND expires_at <= clock_timestamp() AND voided_at IS NULL`,
      [grantId, days],
    );
  }

  /** Writes down what happened to grants, at the instant of its entry or else now. */
  async move(tx: Tx, kind: GrantMovement, shares: readonly Share[], entryId?: string): Promise<void> {
    const moved = shares.filter(({ atoms }) => atoms > 0n);
    if (moved.length === 0) return;
    const [ids, atoms] = [moved.map((share) => share.grantId), moved.map((share) => share.atoms)];
    await tx.query(MOVE, [kind, SIGNS[kind], ids, atoms, entryId ?? null]);
  }

  /** Says how much of each is behind the hold `holdId`. */
  async freeze(tx: Tx, holdId: string, shares: readonly Share[]): Promise<void> {
    const [ids, atoms] = [shares.map((share) => share.grantId), shares.map((share) => share.atoms)];
    await tx.query(
      `UPDATE credit_grants g SET frozen_atoms = f.atoms, frozen_by = $3
         FROM unnest($1::text[], $2::bigint[]) AS f(id, atoms) WHERE g.id = f.id`,
      [ids, atoms, holdId],
    );
    await this.move(tx, 'frozen', shares);
  }

  /** Nothing is behind that hold any more. Returns what was. */
  async thaw(tx: Tx, holdId: string): Promise<readonly Share[]> {
    const thawed = await tx.query<{ id: string; atoms: bigint }>(
      `UPDATE credit_grants SET frozen_atoms = 0, frozen_by = NULL WHERE frozen_by = $1
       RETURNING id, OLD.frozen_atoms AS atoms`,
      [holdId],
    );
    const shares = thawed.map(({ id, atoms }) => ({ grantId: id, atoms }));
    await this.move(tx, 'thawed', shares);
    return shares;
  }

  /** Where the credit is that is behind that hold. */
  async frozenAt(tx: Tx, holdId: string): Promise<LedgerAccount | undefined> {
    const [row] = await tx.query<GrantRow>('SELECT * FROM credit_grants WHERE frozen_by = $1 LIMIT 1', [holdId]);
    return row && accountOf(toGrant(row));
  }

  /** Where these grants are, all of them in one account. @throws NotFoundError `grant_not_found` */
  async accountOf(tx: Tx, [grantId = '']: readonly string[]): Promise<LedgerAccount> {
    return accountOf(await this.one(tx, grantId));
  }
}

const LEFT = 'SELECT * FROM credit_grants WHERE account_id = ANY ($1::bigint[]) AND remaining_atoms > 0';

/** When an entry of this transaction was posted. */
const POSTED_AT = (entry: string) =>
  `(SELECT posted_at FROM postings WHERE entry_id = ${entry} AND posted_at >= now() LIMIT 1)`;

const INSERT = `
  INSERT INTO credit_grants (id, customer_id, account_id, class, origin, origin_id, priority, atoms, remaining_atoms,
                             expires_at, models, entry_id, created_at)
    SELECT id, $1, $2, class, origin, origin_id, priority, atoms, atoms, expires_at, models, $3, ${POSTED_AT('$3')}
      FROM jsonb_to_recordset($4) AS g(id text, class text, origin text, origin_id text, priority integer,
                                       atoms bigint, expires_at timestamptz, models text[])`;

const MOVE = `
  WITH moves AS (
    SELECT * FROM unnest($3::text[], $4::bigint[]) AS m(id, atoms)
  ), changed AS (
    UPDATE credit_grants g SET remaining_atoms = g.remaining_atoms + $2::integer * m.atoms
      FROM moves m WHERE g.id = m.id AND $2 <> 0)
  INSERT INTO grant_movements (grant_id, at, kind, atoms, entry_id)
    SELECT id, coalesce(${POSTED_AT('$5')}, clock_timestamp()), $1, atoms, $5::bigint FROM moves`;

interface GrantRow {
  id: string;
  customer_id: string;
  class: CreditGrant['class'];
  origin: CreditGrant['origin'];
  origin_id: string;
  models: string[] | null;
  priority: number;
  atoms: bigint;
  remaining_atoms: bigint;
  frozen_atoms: bigint;
  frozen_by: string | null;
  expires_at: Date | null;
  created_at: Date;
}

const toGrant = (row: GrantRow): CreditGrant => ({
  id: row.id,
  customerId: row.customer_id,
  class: row.class,
  origin: row.origin,
  originId: row.origin_id,
  models: row.models,
  priority: row.priority,
  atoms: row.atoms,
  remaining: row.remaining_atoms,
  frozen: row.frozen_atoms,
  frozenBy: row.frozen_by,
  expiresAt: row.expires_at,
  createdAt: row.created_at,
});
