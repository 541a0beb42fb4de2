import { Injectable } from '@nestjs/common';
import { NotFoundError } from '../common/billing-error';
import { prefixedId } from '../common/id';
import { DatabaseService } from '../database/database.service';
import type { Tx } from '../database/tx';
import type { NewNotification, Notification } from './notification';

/** What customers and the operator are told, and whether they have read it. */
@Injectable()
export class NotificationsService {
  constructor(private readonly database: DatabaseService) {}

  /** Tells once per key, in the transaction that makes it true. */
  async add(tx: Tx, { customerId, kind, key, data, url }: NewNotification): Promise<void> {
    await tx.query(
      `INSERT INTO notifications (id, customer_id, kind, key, data, url) VALUES ($1, $2, $3, $4, $5, $6)
       ON CONFLICT (key) DO NOTHING`,
      [prefixedId('ntf'), customerId, kind, key, JSON.stringify(data), url ?? null],
    );
  }

  /** Newest first; of one customer, or with `null` the operator's own. `before` is the last id of the page before. */
  async list(customerId: string | null, limit: number, before?: string): Promise<Notification[]> {
    const rows = await this.database.query<NotificationRow>(
      `SELECT * FROM notifications WHERE customer_id IS NOT DISTINCT FROM $1 AND ($2::text IS NULL OR id < $2)
        ORDER BY id DESC LIMIT $3`,
      [customerId, before ?? null, limit],
    );
    return rows.map(toNotification);
  }

  /** Safe to repeat: the first time stays. @throws NotFoundError `notification_not_found`, also for somebody else's */
  async markRead(id: string, customerId: string | null): Promise<Notification> {
    const [row] = await this.database.query<NotificationRow>(
      `UPDATE notifications SET read_at = coalesce(read_at, now())
        WHERE id = $1 AND customer_id IS NOT DISTINCT FROM $2 RETURNING *`,
      [id, customerId],
    );
    if (!row) throw new NotFoundError({ what: 'notification', id });
    return toNotification(row);
  }
}

interface NotificationRow {
  id: string;
  customer_id: string | null;
  kind: string;
  data: Notification['data'];
  url: string | null;
  created_at: Date;
  read_at: Date | null;
}

const toNotification = (row: NotificationRow): Notification => ({
  id: row.id,
  customerId: row.customer_id,
  kind: row.kind,
  data: row.data,
  url: row.url,
  createdAt: row.created_at,
  readAt: row.read_at,
});
