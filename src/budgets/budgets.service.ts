import { Injectable } from '@nestjs/common';
import { InvalidRequestError, NotFoundError } from '../common/billing-error';
import { prefixedId } from '../common/id';
import type { Money } from '../common/money';
import type { Budget, BudgetPeriod, Spending } from '../customers/spending';
import { DatabaseService } from '../database/database.service';
import type { Tx } from '../database/tx';
import { isTimeZone } from './budget-period';

export interface NewBudget {
  /** `null`: all keys of the customer together. */
  readonly keyId: string | null;
  readonly period: BudgetPeriod;
  /** In USD. */
  readonly limit: Money;
  readonly hard: boolean;
}

/** What customers let themselves spend: at most one budget for each of a customer's keys, and for all, and each period. */
@Injectable()
export class BudgetsService {
  constructor(private readonly database: DatabaseService) {}

  /**
   * Sets the budget of this key, or of all, and period. What is spent already counts; another limit holds at once.
   * @throws NotFoundError `customer_not_found`, `key_not_found`
   */
  set(customerId: string, budget: NewBudget): Promise<Budget> {
    const { keyId, period, limit, hard } = budget;
    return this.changing(customerId, async (tx) => {
      if (keyId !== null) await assertKey(tx, customerId, keyId);
      const [row] = await tx.query<{ id: string }>(
        `INSERT INTO budgets AS b (id, customer_id, api_key_id, period, limit_atoms, hard) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (customer_id, api_key_id, period) WHERE ended_at IS NULL
         DO UPDATE SET limit_atoms = excluded.limit_atoms, hard = excluded.hard RETURNING id`,
        [prefixedId('bud'), customerId, keyId, period, limit.atoms, hard],
      );
      const id = row?.id ?? '';
      await tx.query(
        'UPDATE budget_counters SET limit_atoms = $2, hard = $3 WHERE budget_id = $1 AND period_to > now()',
        [id, limit.atoms, hard],
      );
      return { id, keyId, period, limit: limit.atoms.toString(), hard };
    });
  }

  /** Ends a budget now. @throws NotFoundError `budget_not_found`, also for another customer's or one that has ended */
  end(customerId: string, id: string): Promise<void> {
    return this.changing(customerId, async (tx) => {
      const ended = await tx.query(
        'UPDATE budgets SET ended_at = now() WHERE id = $1 AND customer_id = $2 AND ended_at IS NULL RETURNING id',
        [id, customerId],
      );
      if (ended.length === 0) throw new NotFoundError({ what: 'budget', id });
    });
  }

  /**
   * Where the customer's days, weeks and months begin from now on.
   * @throws InvalidRequestError `unknown_time_zone`; NotFoundError `customer_not_found`
   */
  setTimeZone(customerId: string, zone: string): Promise<void> {
    if (!isTimeZone(zone)) {
      throw new InvalidRequestError({
        code: 'unknown_time_zone',
        detail: `"${zone.slice(0, 60)}" is no time zone.`,
        hint: 'Use an IANA name such as Europe/Berlin, or UTC.',
      });
    }
    return this.changing(customerId, async (tx) => {
      await tx.query('UPDATE customers SET time_zone = $2 WHERE id = $1', [customerId, zone]);
    });
  }

  /** @throws NotFoundError `customer_not_found` */
  async of(customerId: string): Promise<Spending> {
    const [row] = await this.database.query<{ time_zone: string; budgets: Budget[] | null }>(
      'SELECT time_zone, budgets FROM customers WHERE id = $1',
      [customerId],
    );
    if (!row) throw new NotFoundError({ what: 'customer', id: customerId });
    return { timeZone: row.time_zone, budgets: row.budgets ?? [] };
  }

  /** With the customer's row locked; what a key's look-up reads is written anew in the same transaction. */
  private changing<Result>(customerId: string, work: (tx: Tx) => Promise<Result>): Promise<Result> {
    return this.database.transaction(async (tx) => {
      const rows = await tx.query('SELECT FROM customers WHERE id = $1 FOR NO KEY UPDATE', [customerId]);
      if (rows.length === 0) throw new NotFoundError({ what: 'customer', id: customerId });
      const result = await work(tx);
      await tx.query(IN_FORCE, [customerId]);
      return result;
    });
  }
}

const IN_FORCE = `
  UPDATE customers SET budgets = (
    SELECT jsonb_agg(jsonb_build_object('id', id, 'keyId', api_key_id, 'period', period, 'limit', limit_atoms::text,
                                        'hard', hard) ORDER BY id)
      FROM budgets WHERE customer_id = $1 AND ended_at IS NULL)
   WHERE id = $1`;

async function assertKey(tx: Tx, customerId: string, keyId: string): Promise<void> {
  const rows = await tx.query('SELECT FROM api_keys WHERE id = $1 AND customer_id = $2', [keyId, customerId]);
  if (rows.length === 0) throw new NotFoundError({ what: 'key', id: keyId });
}
