import { Injectable } from '@nestjs/common';
import type { FraudWarningAction } from '../../config/config';
import { DatabaseService } from '../../database/database.service';
import type { Tx } from '../../database/tx';
import type { ReversiblePayment } from '../reversals/reversible-payment';
import type { FraudWarningAtStripe } from './disputes.client';
import type { FraudWarning } from './fraud-warning';

/** Rows of `fraud_warnings`; whoever writes has the payment locked. */
@Injectable()
export class FraudWarningStore {
  constructor(private readonly database: DatabaseService) {}

  /** @returns whether it is new, or is actionable no more */
  async see(
    tx: Tx,
    payment: ReversiblePayment,
    warning: FraudWarningAtStripe,
    action: FraudWarningAction,
  ): Promise<boolean> {
    const rows = await tx.query(
      `INSERT INTO fraud_warnings AS w (id, payment_intent_id, customer_id, fraud_type, actionable, action, card_fingerprint)
       VALUES ($1, $2, $3, $4, $5, $6, $7)
       ON CONFLICT (id) DO UPDATE SET actionable = false, card_fingerprint = excluded.card_fingerprint
        WHERE w.actionable AND NOT excluded.actionable RETURNING 1`,
      [
        ...[warning.id, payment.paymentIntentId, payment.customerId, warning.fraudType, warning.actionable, action],
        warning.fingerprint,
      ],
    );
    return rows.length > 0;
  }

  /** Newest first. */
  async list(customerId: string | undefined, limit: number): Promise<FraudWarning[]> {
    const rows = await this.database.query<WarningRow>(
      'SELECT * FROM fraud_warnings WHERE $1::text IS NULL OR customer_id = $1 ORDER BY created_at DESC, id LIMIT $2',
      [customerId ?? null, limit],
    );
    return rows.map(toWarning);
  }

  async get(id: string): Promise<FraudWarning | undefined> {
    const [row] = await this.database.query<WarningRow>('SELECT * FROM fraud_warnings WHERE id = $1', [id]);
    return row && toWarning(row);
  }

  /** It freezes nothing any more. */
  async dismiss(tx: Tx, id: string): Promise<void> {
    await tx.query(`UPDATE fraud_warnings SET action = 'notify' WHERE id = $1`, [id]);
  }
}

interface WarningRow {
  id: string;
  payment_intent_id: string;
  customer_id: string | null;
  fraud_type: string;
  actionable: boolean;
  action: FraudWarningAction;
  created_at: Date;
}

const toWarning = (row: WarningRow): FraudWarning => ({
  id: row.id,
  paymentIntentId: row.payment_intent_id,
  customerId: row.customer_id,
  fraudType: row.fraud_type,
  actionable: row.actionable,
  action: row.action,
  createdAt: row.created_at,
});
