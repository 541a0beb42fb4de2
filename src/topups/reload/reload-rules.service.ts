import { Injectable } from '@nestjs/common';
import { type Money, usd } from '../../common/money';
import { DatabaseService } from '../../database/database.service';
import type { Tx } from '../../database/tx';
import type { AutoReloadRule, AutoReloadState, AutoReloadTerms } from './auto-reload';
import { PENDING } from './reload-attempt';

/** What an evaluation looks at, as of one moment. */
export interface ReloadSituation {
  readonly now: Date;
  /** Posted credit less debt; what calls hold is not taken off: a hold must not start a charge. */
  readonly balance: Money;
  readonly pending: boolean;
  /** A payment of the customer is disputed: its card is not charged meanwhile. */
  readonly disputed: boolean;
  /** What attempts that have not failed charged in the calendar's present windows. */
  readonly charged: { readonly day: Money; readonly month: Money };
  readonly windows: Readonly<Record<'day' | 'month', { readonly from: Date; readonly to: Date }>>;
}

/** Rules as rows, and what an evaluation looks at. */
@Injectable()
export class ReloadRules {
  constructor(private readonly database: DatabaseService) {}

  async find(
    customerId: string,
    db: Tx = this.database,
    lock: '' | 'FOR UPDATE' = '',
  ): Promise<LockedRule | undefined> {
    const sql = `SELECT * FROM auto_reload_rules WHERE customer_id = $1 ${lock}`;
    const [row] = await db.query<RuleRow>(sql, [customerId]);
    return row && toRule(row);
  }

  lock(tx: Tx, customerId: string): Promise<LockedRule | undefined> {
    return this.find(customerId, tx, 'FOR UPDATE');
  }

  /** Customers whose rule is on. */
  async enabled(tx: Tx): Promise<readonly string[]> {
    const rows = await tx.query<{ id: string }>('SELECT customer_id AS id FROM auto_reload_rules WHERE enabled');
    return rows.map(({ id }) => id);
  }

  /** The terms of a customer; its state stays as it is. */
  async putTerms(tx: Tx, customerId: string, terms: AutoReloadTerms): Promise<void> {
    const { enabled, threshold, amount, dayCap, monthCap } = terms;
    await tx.query(
      `INSERT INTO auto_reload_rules (customer_id, enabled, threshold_atoms, amount_atoms, day_cap_atoms, month_cap_atoms)
       VALUES ($1, $2, $3, $4, $5, $6)
       ON CONFLICT (customer_id) DO UPDATE SET enabled = $2, threshold_atoms = $3, amount_atoms = $4, day_cap_atoms = $5,
              month_cap_atoms = $6, updated_at = now()`,
      [customerId, enabled, threshold.atoms, amount.atoms, dayCap?.atoms ?? null, monthCap?.atoms ?? null],
    );
    // A cap that was raised, an amount that was lowered: what stood in the way may be gone.
    await tx.query(
      `UPDATE auto_reload_rules SET reason = NULL, next_try_at = NULL WHERE customer_id = $1 AND reason = 'cap_reached'`,
      [customerId],
    );
  }

  /** Changes what is named; the rule must be locked. */
  async change(tx: Tx, customerId: string, change: RuleChange): Promise<void> {
    const columns = Object.entries(change).filter(([, value]) => value !== undefined) as [keyof RuleChange, unknown][];
    const sets = columns.map(([name], index) => `${COLUMNS[name]} = $${index + 2}`);
    await tx.query(`UPDATE auto_reload_rules SET ${sets.join(', ')}, updated_at = now() WHERE customer_id = $1`, [
      customerId,
      ...columns.map(([, value]) => value),
    ]);
  }

  /** With the rule locked by an earlier statement, so that what others have committed is seen. */
  async situation(tx: Tx, customerId: string): Promise<ReloadSituation> {
    const [row] = await tx.query<SituationRow>(SITUATION, [customerId, PENDING]);
    if (!row) throw new Error(`customer ${customerId} has no row`);
    return {
      now: row.now,
      balance: usd(row.balance),
      pending: row.pending,
      disputed: row.disputed,
      charged: { day: usd(row.day), month: usd(row.month) },
      windows: { day: { from: row.day_from, to: row.day_to }, month: { from: row.month_from, to: row.month_to } },
    };
  }

  /** Customers whose balance is below their threshold and whom nothing stands in the way of. */
  async due(): Promise<string[]> {
    const rows = await this.database.query<{ customer_id: string }>(DUE, [PENDING]);
    return rows.map(({ customer_id: id }) => id);
  }
}

/** A rule, with what is not shown of it. */
export interface LockedRule extends AutoReloadRule {
  /** The card that suspended it. */
  readonly refusedFingerprint: string | null;
}

export interface RuleChange {
  readonly state?: AutoReloadState;
  readonly reason?: string | null;
  readonly failures?: number;
  readonly refusedFingerprint?: string | null;
  readonly nextTryAt?: Date | null;
}

const COLUMNS: Readonly<Record<keyof RuleChange, string>> = {
  state: 'state',
  reason: 'reason',
  failures: 'failures',
  refusedFingerprint: 'refused_fingerprint',
  nextTryAt: 'next_try_at',
};

const BALANCE = `
  (SELECT coalesce(sum(l.credits_posted - l.debits_posted), 0)::bigint FROM ledger_accounts l
    WHERE l.asset = 'USD' AND l.customer_id = c.id
      AND l.code IN (format('customer:%s:credits', c.id), format('customer:%s:receivable', c.id)))`;

/** The calendar is PostgreSQL's: it knows when a day begins, also where a clock is put forward or back. */
const SITUATION = `
  WITH w AS (
    SELECT date_trunc(unit, now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' AS "from", unit,
           (date_trunc(unit, now() AT TIME ZONE 'UTC') + ('1 ' || unit)::interval) AT TIME ZONE 'UTC' AS "to"
      FROM unnest(ARRAY['day', 'month']) AS unit
  ), d AS (SELECT * FROM w WHERE unit = 'day'), m AS (SELECT * FROM w WHERE unit = 'month')
  SELECT now() AS now, ${BALANCE} AS balance,
         EXISTS (SELECT FROM auto_reload_attempts WHERE customer_id = c.id AND state = ANY ($2::text[])) AS pending,
         EXISTS (SELECT FROM topups WHERE customer_id = c.id AND state = 'disputed') AS disputed,
         coalesce((SELECT sum(atoms) FROM auto_reload_attempts
                    WHERE customer_id = c.id AND state <> 'failed' AND created_at >= d."from"), 0)::bigint AS day,
         coalesce((SELECT sum(atoms) FROM auto_reload_attempts
                    WHERE customer_id = c.id AND state <> 'failed' AND created_at >= m."from"), 0)::bigint AS month,
         d."from" AS day_from, d."to" AS day_to, m."from" AS month_from, m."to" AS month_to
    FROM customers c, d, m WHERE c.id = $1`;

const DUE = `
  SELECT customer_id FROM auto_reload_rules r JOIN customers c ON c.id = r.customer_id
   WHERE r.enabled AND r.state = 'active' AND coalesce(r.next_try_at, now()) <= now() AND ${BALANCE} < r.threshold_atoms
     AND NOT EXISTS (SELECT FROM auto_reload_attempts a WHERE a.customer_id = c.id AND a.state = ANY ($1::text[]))
   LIMIT 1000`;

interface RuleRow {
  customer_id: string;
  enabled: boolean;
  threshold_atoms: bigint;
  amount_atoms: bigint;
  day_cap_atoms: bigint | null;
  month_cap_atoms: bigint | null;
  state: AutoReloadState;
  reason: string | null;
  failures: number;
  refused_fingerprint: string | null;
  next_try_at: Date | null;
}

const toRule = (row: RuleRow): LockedRule => ({
  customerId: row.customer_id,
  enabled: row.enabled,
  threshold: usd(row.threshold_atoms),
  amount: usd(row.amount_atoms),
  dayCap: row.day_cap_atoms === null ? null : usd(row.day_cap_atoms),
  monthCap: row.month_cap_atoms === null ? null : usd(row.month_cap_atoms),
  state: row.state,
  reason: row.reason,
  failures: row.failures,
  refusedFingerprint: row.refused_fingerprint,
  nextTryAt: row.next_try_at,
});

interface SituationRow {
  now: Date;
  balance: bigint;
  pending: boolean;
  disputed: boolean;
  day: bigint;
  month: bigint;
  day_from: Date;
  day_to: Date;
  month_from: Date;
  month_to: Date;
}

/** Another card may be charged: what was refused is not forgotten, nor how often, so that no old card is tried again. */
export const RESUMED_BY_CARD = { state: 'active', reason: null, nextTryAt: null } as const;

/** Nothing stands in the way any more. */
export const RESUMED = {
  state: 'active',
  reason: null,
  failures: 0,
  refusedFingerprint: null,
  nextTryAt: null,
} as const;
