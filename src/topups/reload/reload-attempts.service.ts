import { Injectable } from '@nestjs/common';
import { type Money, usd } from '../../common/money';
import { DatabaseService } from '../../database/database.service';
import type { Tx } from '../../database/tx';
import { declineClass } from './decline';
import { nextReloadState, PENDING, RELOAD_STATES, type ReloadAttempt, type ReloadState } from './reload-attempt';

/** An attempt, with the card that it was begun with. */
export interface AttemptRow extends ReloadAttempt {
  readonly paymentMethodId: string | null;
  readonly fingerprint: string | null;
  /** The page that its holder was sent to. */
  readonly sessionId: string | null;
}

/** Attempts as rows. */
@Injectable()
export class ReloadAttempts {
  constructor(private readonly database: DatabaseService) {}

  /** An attempt and the top-up that its money will be. */
  async insert(tx: Tx, attempt: NewAttempt): Promise<void> {
    const { id, customerId, topUpId, amount, bonus } = attempt;
    await tx.query(
      `INSERT INTO topups (id, customer_id, rail, state, asset, atoms, bonus_atoms, origin)
       VALUES ($1, $2, 'card', 'pending', 'USD', $3, $4, 'reload')`,
      [topUpId, customerId, amount.atoms, bonus.atoms],
    );
    await tx.query(
      `INSERT INTO auto_reload_attempts (id, customer_id, topup_id, atoms, state) VALUES ($1, $2, $3, $4, 'planned')`,
      [id, customerId, topUpId, amount.atoms],
    );
  }

  async find(id: string, db: Tx = this.database, lock: '' | 'FOR UPDATE OF a' = ''): Promise<AttemptRow | undefined> {
    const [row] = await db.query<ReloadAttemptRow>(`${ATTEMPTS} WHERE a.id = $1 ${lock}`, [id]);
    return row && toAttempt(row);
  }

  async ofTopUp(topUpId: string, db: Tx = this.database): Promise<AttemptRow | undefined> {
    const [row] = await db.query<ReloadAttemptRow>(`${ATTEMPTS} WHERE a.topup_id = $1`, [topUpId]);
    return row && toAttempt(row);
  }

  /** Whether the customer has no later one. */
  async isNewest(tx: Tx, id: string): Promise<boolean> {
    const [row] = await tx.query<{ newest: boolean }>(
      `SELECT NOT EXISTS (SELECT FROM auto_reload_attempts WHERE customer_id = a.customer_id
                             AND (created_at, id) > (a.created_at, a.id)) AS newest
         FROM auto_reload_attempts a WHERE id = $1`,
      [id],
    );
    return row?.newest ?? false;
  }

  /** The attempt of which Stripe was asked when it was not wanted any more, and of which nobody knows. */
  async unwanted(tx: Tx, customerId: string): Promise<string | undefined> {
    const [row] = await tx.query<{ id: string }>(
      `SELECT id FROM auto_reload_attempts WHERE customer_id = $1 AND state = 'in_doubt' AND reason = 'not_wanted'`,
      [customerId],
    );
    return row?.id;
  }

  /** Newest first; `before` is the last id of the page before. */
  async list(customerId: string, limit: number, before?: string): Promise<AttemptRow[]> {
    const rows = await this.database.query<ReloadAttemptRow>(
      `${ATTEMPTS} WHERE a.customer_id = $1 AND ($2::text IS NULL OR a.id < $2) ORDER BY a.id DESC LIMIT $3`,
      [customerId, before ?? null, limit],
    );
    return rows.map(toAttempt);
  }

  /** Fingerprints of cards that were declined for good in the last so many failures of a customer. */
  async refusedCards(customerId: string, failures: number): Promise<string[]> {
    const rows = await this.database.query<{ fingerprint: string; decline_code: string; advice_code: string | null }>(
      `SELECT fingerprint, decline_code, advice_code
         FROM (SELECT * FROM auto_reload_attempts WHERE customer_id = $1 AND state = 'failed' ORDER BY id DESC LIMIT $2) a
        WHERE fingerprint IS NOT NULL AND decline_code IS NOT NULL`,
      [customerId, failures],
    );
    const hard = rows.filter((row) => {
      return declineClass({ declineCode: row.decline_code, adviceCode: row.advice_code }) === 'hard';
    });
    return hard.map(({ fingerprint }) => fingerprint);
  }

  /** The card is chosen once: a repetition under the same idempotency key must say the same. */
  async begin(tx: Tx, id: string, card: { id: string; fingerprint: string | null }): Promise<void> {
    await tx.query(
      `UPDATE auto_reload_attempts SET state = 'charging', payment_method_id = $2, fingerprint = $3
        WHERE id = $1 AND state = 'planned'`,
      [id, card.id, card.fingerprint],
    );
  }

  /** Stripe was asked and has not answered, or is asked no more because the charge is not wanted. What has been learnt meanwhile, by an event, stays as it is. */
  async doubt(tx: Tx, id: string, reason: 'processor_unreachable' | 'not_wanted'): Promise<void> {
    const open = RELOAD_STATES.filter((state) => nextReloadState(state, 'unanswered') !== undefined);
    await tx.query(
      `UPDATE auto_reload_attempts SET state = 'in_doubt', reason = $3
        WHERE id = $1 AND state = ANY ($2::text[])`,
      [id, open, reason],
    );
  }

  /** With the attempt locked, and its next state read under that lock. */
  async move(tx: Tx, id: string, state: ReloadState, news: AttemptNews = {}): Promise<void> {
    await tx.query(
      `UPDATE auto_reload_attempts SET state = $2, reason = $3, decline_code = $4, advice_code = $5,
              payment_intent_id = coalesce($6, payment_intent_id),
              finished_at = CASE WHEN $2 = ANY ($7::text[]) THEN NULL ELSE coalesce(finished_at, now()) END
        WHERE id = $1`,
      [
        id,
        state,
        news.reason ?? null,
        news.declineCode ?? null,
        news.adviceCode ?? null,
        news.paymentIntentId ?? null,
        PENDING,
      ],
    );
  }
}

export interface NewAttempt extends Pick<ReloadAttempt, 'id' | 'customerId' | 'topUpId' | 'amount'> {
  /** What its top-up promises. */
  readonly bonus: Money;
}

export interface AttemptNews {
  readonly reason?: string | null;
  readonly declineCode?: string | null;
  readonly adviceCode?: string | null;
  readonly paymentIntentId?: string | null;
}

const ATTEMPTS = `
  SELECT a.*, CASE WHEN a.state = 'needs_authentication' THEN t.url END AS url, t.checkout_session_id
    FROM auto_reload_attempts a JOIN topups t ON t.id = a.topup_id`;

interface ReloadAttemptRow {
  id: string;
  customer_id: string;
  topup_id: string;
  atoms: bigint;
  state: ReloadState;
  reason: string | null;
  decline_code: string | null;
  advice_code: string | null;
  payment_method_id: string | null;
  fingerprint: string | null;
  payment_intent_id: string | null;
  url: string | null;
  checkout_session_id: string | null;
  created_at: Date;
  finished_at: Date | null;
}

const toAttempt = (row: ReloadAttemptRow): AttemptRow => ({
  id: row.id,
  customerId: row.customer_id,
  topUpId: row.topup_id,
  amount: usd(row.atoms),
  state: row.state,
  reason: row.reason,
  declineCode: row.decline_code,
  adviceCode: row.advice_code,
  paymentMethodId: row.payment_method_id,
  fingerprint: row.fingerprint,
  paymentIntentId: row.payment_intent_id,
  url: row.url,
  sessionId: row.checkout_session_id,
  createdAt: row.created_at,
  finishedAt: row.finished_at,
});
