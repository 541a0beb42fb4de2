import { Injectable, type OnModuleInit } from '@nestjs/common';
import { formatMoney, type Money, usd } from '../common/money';
import { NotificationsService } from '../customers/notifications.service';
import { DatabaseService } from '../database/database.service';
import type { Tx } from '../database/tx';
import { type BalanceListener, BalanceWatch } from './balance-watch.service';

/** Tells customers when their balance falls below what they chose: once for each time it does. */
@Injectable()
export class BalanceAlerts implements BalanceListener, OnModuleInit {
  constructor(
    private readonly database: DatabaseService,
    private readonly watch: BalanceWatch,
    private readonly notifications: NotificationsService,
  ) {}

  onModuleInit(): void {
    this.watch.listen(this);
  }

  /** From now on these, in USD, in place of those before. What the balance is below already is told the next time. */
  async set(customerId: string, thresholds: readonly Money[]): Promise<void> {
    await this.database.transaction(async (tx) => {
      const wanted = thresholds.map(({ atoms }) => atoms);
      const account = await this.watch.lock(tx, customerId);
      await tx.query('DELETE FROM balance_alerts WHERE customer_id = $1 AND threshold_atoms <> ALL ($2::bigint[])', [
        customerId,
        wanted,
      ]);
      await tx.query(
        `INSERT INTO balance_alerts (customer_id, threshold_atoms, below)
           SELECT $1, atoms, atoms > $3 FROM unnest($2::bigint[]) AS t(atoms) ON CONFLICT DO NOTHING`,
        [customerId, wanted, account?.posted ?? 0n],
      );
      await this.watch.arm(tx, customerId);
    });
  }

  of(customerId: string): Promise<readonly Money[]> {
    return this.thresholds(this.database, customerId);
  }

  async customers(tx: Tx): Promise<readonly string[]> {
    const rows = await tx.query<{ id: string }>('SELECT DISTINCT customer_id AS id FROM balance_alerts');
    return rows.map(({ id }) => id);
  }

  /** The highest first. */
  async thresholds(tx: Tx, customerId: string): Promise<readonly Money[]> {
    const rows = await tx.query<{ atoms: bigint }>(
      'SELECT threshold_atoms AS atoms FROM balance_alerts WHERE customer_id = $1 ORDER BY threshold_atoms DESC',
      [customerId],
    );
    return rows.map(({ atoms }) => usd(atoms));
  }

  async crossed(tx: Tx, customerId: string, balance: Money): Promise<void> {
    const fallen = await tx.query<{ atoms: bigint; crossings: number }>(
      `UPDATE balance_alerts SET below = true, crossings = crossings + 1
        WHERE customer_id = $1 AND threshold_atoms > $2 AND NOT below RETURNING threshold_atoms AS atoms, crossings`,
      [customerId, balance.atoms],
    );
    for (const { atoms, crossings } of fallen) {
      const threshold = formatMoney(usd(atoms));
      await this.notifications.add(tx, {
        customerId,
        kind: 'low_balance',
        key: `low-balance:${customerId}:${threshold}:${crossings}`,
        data: { threshold, balance: formatMoney(balance), currency: 'USD' },
      });
    }
  }

  async rose(tx: Tx, customerId: string, balance: Money): Promise<void> {
    await tx.query(
      'UPDATE balance_alerts SET below = false WHERE customer_id = $1 AND threshold_atoms <= $2 AND below',
      [customerId, balance.atoms],
    );
  }
}
