import { Injectable } from '@nestjs/common';
import { DatabaseService } from '../database/database.service';
import type { Tx } from '../database/tx';
import { CardPaymentsService, type Effect } from './card-payments.service';
import { type CheckoutNews, newsOf, type StripeEvent } from './checkout-event';
import { StripeClient } from './stripe.client';

/**
 * Makes each event effective exactly once. Its id is written in the same transaction as what it does: "seen" is
 * "done", and whatever dies in between leaves neither, so that Stripe's next delivery does it.
 */
@Injectable()
export class StripeWebhookService {
  constructor(
    private readonly database: DatabaseService,
    private readonly stripe: StripeClient,
    private readonly payments: CardPaymentsService,
  ) {}

  /** Returns after the commit. Whatever it throws makes Stripe deliver the event again. */
  async receive(event: StripeEvent): Promise<Effect | 'ignored' | 'duplicate'> {
    const news = newsOf(event);
    if (
      !news ||
      (news.kind === 'charge_booked' && !(await this.payments.lacksFee(this.database, news.paymentIntentId)))
    )
      return 'ignored';
    if (await isDone(this.database, event)) return 'duplicate';
    // Everything slow comes before the transaction: Stripe is never asked while rows are locked.
    const effect = await this.effectOf(news);
    return this.database.transaction(async (tx) => {
      // A copy that arrives at the same moment waits here until the first one has committed or is gone.
      const fresh = await tx.query(
        `INSERT INTO stripe_events (id, type, object_id, effect, created_at) VALUES ($1, $2, $3, 'unfinished', $4)
         ON CONFLICT DO NOTHING RETURNING 1`,
        [event.id, event.type, objectOf(news), event.created],
      );
      if (fresh.length === 0) return 'duplicate';
      const done = await effect(tx);
      await tx.query('UPDATE stripe_events SET effect = $2 WHERE id = $1', [event.id, done]);
      return done;
    });
  }

  /** Asks what has to be asked, and returns what is left to be written. */
  private async effectOf(news: CheckoutNews): Promise<(tx: Tx) => Promise<Effect>> {
    switch (news.kind) {
      case 'paid': {
        const fee = await this.stripe.feeOf(news.payment.paymentIntentId);
        await this.payments.prepare(this.database, news.checkout);
        return (tx) => this.payments.book(tx, news.checkout, news.payment, fee);
      }
      case 'charge_booked': {
        const fee = await this.stripe.feeOf(news.paymentIntentId);
        return async (tx) => (fee ? this.payments.bookFee(tx, news.paymentIntentId, fee) : 'unchanged');
      }
      case 'nothing_paid':
        return async () => 'nothing_paid';
      case 'awaiting_bank':
      case 'failed':
      case 'expired':
        return (tx) => this.payments.note(tx, news.checkout, news.kind);
    }
  }
}

const objectOf = (news: CheckoutNews): string =>
  news.kind === 'charge_booked' ? news.paymentIntentId : news.checkout.sessionId;

async function isDone(db: Tx, event: StripeEvent): Promise<boolean> {
  return (await db.query('SELECT FROM stripe_events WHERE id = $1', [event.id])).length > 0;
}
