import { Injectable } from '@nestjs/common';
import { periodOf } from '../../budgets/budget-period';
import { type Money, usd } from '../../common/money';
import type { Period } from '../../common/period';
import { DatabaseService } from '../../database/database.service';
import type { Tx } from '../../database/tx';
import { DisputeStore, doubtsOf } from '../disputes/dispute-store.service';
import type { AutoReloadRule, AutoReloadState, AutoReloadTerms } from './auto-reload';
import { PENDING } from './reload-attempt';
import type { RuleChange } from './rule-change';

/** What an evaluation looks at, as of one moment. */
export interface ReloadSituation {
  readonly now: Date;
  /** Posted credit less debt; what calls hold is not taken off: a hold must not start a charge. */
  readonly balance: Money;
  readonly pending: boolean;
  /** A bank disputes a payment of the customer, or warns of one: no card is charged meanwhile. */
  readonly disputed: boolean;
  /** What attempts that have not failed charged in the present day and month of the customer's calendar. */
  readonly charged: { readonly day: Money; readonly month: Money };
  readonly windows: Readonly<Record<'day' | 'month', Period>>;
}

/** Rules as rows, and what an evaluation looks at. */
@Injectable()
export class ReloadRules {
  constructor(
    private readonly database: DatabaseService,
    private readonly disputes: DisputeStore,
  ) {}

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

  /** Its terms stay as they are; the rule must be locked. */
  async switchOff(tx: Tx, customerId: string): Promise<void> {
    await tx.query('UPDATE auto_reload_rules SET enabled = false, updated_at = now() WHERE customer_id = $1', [
      customerId,
    ]);
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

  /** Fingerprints of cards that a bank warns of, or has. */
  doubtedCards(db: Tx, customerId: string): Promise<string[]> {
    return this.disputes.doubtedCards(db, customerId);
  }

  /** With the rule locked by an earlier statement, so that what others have committed is seen. */
  async situation(tx: Tx, customerId: string): Promise<ReloadSituation> {
    const [clock] = await tx.query<ClockRow>('SELECT now() AS now, time_zone FROM customers WHERE id = $1', [
      customerId,
    ]);
    if (!clock) throw new Error(`customer ${customerId} has no row`);
    const windowOf = (period: 'day' | 'month') => periodOf(clock.now, period, clock.time_zone);
    const windows = { day: windowOf('day'), month: windowOf('month') };
    const parameters = [customerId, PENDING, windows.day.from, windows.month.from];
    const [row] = await tx.query<SituationRow>(SITUATION, parameters);
    if (!row) throw new Error(`customer ${customerId} has no row`);
    return {
      now: clock.now,
      balance: usd(row.balance),
      pending: row.pending,
      disputed: await this.disputes.hasDoubted(tx, customerId),
      charged: { day: usd(row.day), month: usd(row.month) },
      windows,
    };
  }

  /** Customers with a rule who have not been told what `notice` begins, at most so many as one run can tell. */
  async untold(notice: string): Promise<string[]> {
    const rows = await this.database.query<{ customer_id: string }>(
      `SELECT customer_id FROM auto_reload_rules r
        WHERE enabled AND NOT EXISTS (SELECT FROM notifications WHERE key = $1 || r.customer_id) LIMIT 1000`,
      [notice],
    );
    return rows.map(({ customer_id: id }) => id);
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

/** $3 and $4: when the day and the month of the customer began. */
const SITUATION = `
  SELECT ${BALANCE} AS balance,
         EXISTS (SELECT FROM auto_reload_attempts WHERE customer_id = c.id AND state = ANY ($2::text[])) AS pending,
         coalesce((SELECT sum(atoms) FROM auto_reload_attempts
                    WHERE customer_id = c.id AND state <> 'failed' AND created_at >= $3), 0)::bigint AS day,
         coalesce((SELECT sum(atoms) FROM auto_reload_attempts
                    WHERE customer_id = c.id AND state <> 'failed' AND created_at >= $4), 0)::bigint AS month
    FROM customers c WHERE c.id = $1`;

/** Who is doubted would stay due every minute of the dispute, and keep others out. */
const DUE = `
  SELECT customer_id FROM auto_reload_rules r JOIN customers c ON c.id = r.customer_id
   WHERE r.enabled AND r.state = 'active' AND coalesce(r.next_try_at, now()) <= now() AND ${BALANCE} < r.threshold_atoms
     AND NOT EXISTS (SELECT FROM auto_reload_attempts a WHERE a.customer_id = c.id AND a.state = ANY ($1::text[]))
     AND NOT EXISTS (${doubtsOf('c.id')})
   ORDER BY coalesce(r.next_try_at, r.updated_at), c.id LIMIT 1000`;

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
  balance: bigint;
  pending: boolean;
  day: bigint;
  month: bigint;
}

interface ClockRow {
  now: Date;
  /** IANA name. */
  time_zone: string;
}
