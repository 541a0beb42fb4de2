import { Injectable } from '@nestjs/common';
import { DatabaseService } from '../../database/database.service';

/** A name that a payer gave to a payment, and the claim behind it once there is one. */
export interface NamedPayment {
  readonly fingerprint: string;
  readonly claimKey: string | null;
}

export interface PaymentName {
  readonly payer: string;
  readonly id: string;
  readonly fingerprint: string;
  readonly callId: string;
}

/** A worker that has not claimed its payment after so long is dead: longer than any wait for a node adds up to. */
const UNCLAIMED_SECONDS = 300;

/** Names of payments in PostgreSQL: at however many replicas a payment is made again, one is taken. */
@Injectable()
export class IdentifiersStore {
  constructor(private readonly database: DatabaseService) {}

  /** Takes the name for a call. `false` when it stands for a payment that is alive: one that failed leaves it free. */
  async take({ payer, id, fingerprint, callId }: PaymentName): Promise<boolean> {
    const rows = await this.database.query(
      `INSERT INTO payment_identifiers AS old (payer, id, fingerprint, call_id) VALUES ($1, $2, $3, $4)
       ON CONFLICT (payer, id) DO UPDATE SET call_id = $4, claim_key = NULL, created_at = now()
         WHERE old.fingerprint = $3 AND (
           (old.claim_key IS NULL AND old.created_at < now() - make_interval(secs => $5))
           OR EXISTS (SELECT FROM claims WHERE key = old.claim_key AND state IN ('released', 'paid', 'failed')))
       RETURNING id`,
      [payer, id, fingerprint, callId, UNCLAIMED_SECONDS],
    );
    return rows.length === 1;
  }

  async find({ payer, id }: Pick<PaymentName, 'payer' | 'id'>): Promise<NamedPayment | undefined> {
    const [row] = await this.database.query<NamedPayment>(
      'SELECT fingerprint, claim_key AS "claimKey" FROM payment_identifiers WHERE payer = $1 AND id = $2',
      [payer, id],
    );
    return row;
  }

  async claimed({ payer, id, callId }: PaymentName, claimKey: string | null): Promise<void> {
    await this.database.query(
      'UPDATE payment_identifiers SET claim_key = $4 WHERE payer = $1 AND id = $2 AND call_id = $3',
      [payer, id, callId, claimKey],
    );
  }

  async free({ payer, id, callId }: PaymentName): Promise<void> {
    await this.database.query('DELETE FROM payment_identifiers WHERE payer = $1 AND id = $2 AND call_id = $3', [
      payer,
      id,
      callId,
    ]);
  }

  /** Forgets the names of payments whose answers are not kept any more. */
  async forget(hours: number): Promise<void> {
    await this.database.query('DELETE FROM payment_identifiers WHERE created_at < now() - make_interval(hours => $1)', [
      hours,
    ]);
  }
}
