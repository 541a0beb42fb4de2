import { Injectable, type OnModuleInit } from '@nestjs/common';
import { DatabaseService } from '../../database/database.service';
import { idOf, isRecord, type StripeEvent } from '../stripe-event';
import { type StripeEffect, StripeEvents } from '../stripe-events.service';
import { ReloadOutcomes } from './reload-outcomes.service';
import { ReloadAttempts } from './reload-attempts.service';
import { ReloadCards } from './reload-cards.service';
import { ReloadCharges } from './reload-charges.service';

const INTENTS = ['succeeded', 'payment_failed', 'processing', 'canceled'].map((news) => `payment_intent.${news}`);
const PAGES = ['completed', 'async_payment_succeeded', 'async_payment_failed', 'expired'].map(
  (news) => `checkout.session.${news}`,
);
const ENDED: Readonly<Record<string, 'link_expired' | 'page_payment_failed'>> = {
  'checkout.session.expired': 'link_expired',
  'checkout.session.async_payment_failed': 'page_payment_failed',
};
/** Its bank has renewed it: another card under the same number. */
const RENEWALS = ['payment_method.automatically_updated', 'payment_method.updated'];
const CARDS = ['payment_method.attached', 'customer.updated', ...RENEWALS];

/** What Stripe tells of attempts: late payments, pages that their holders were sent to, and cards that changed. */
@Injectable()
export class ReloadEvents implements OnModuleInit {
  constructor(
    private readonly events: StripeEvents,
    private readonly database: DatabaseService,
    private readonly attempts: ReloadAttempts,
    private readonly charges: ReloadCharges,
    private readonly outcomes: ReloadOutcomes,
    private readonly cards: ReloadCards,
  ) {}

  onModuleInit(): void {
    this.events.handle({ types: INTENTS, read: (event) => this.ofIntent(event) });
    this.events.handle({ types: PAGES, read: (event) => this.ofPage(event) });
    this.events.handle({ types: CARDS, read: (event) => this.ofCard(event) });
  }

  private async ofIntent({ type, object }: StripeEvent): Promise<StripeEffect | undefined> {
    const attemptId = metadataOf(object, 'attempt_id');
    const attempt = attemptId === undefined ? undefined : await this.attempts.find(attemptId);
    const paymentIntentId = idOf(object);
    if (!attempt || paymentIntentId === undefined) return undefined;
    // We cancel one ourselves before its holder gets a page. What a bank was moving nobody of ours has cancelled.
    if (type === 'payment_intent.canceled' && attempt.state !== 'processing') return undefined;
    const outcome = await this.charges.presentOutcome(attempt, paymentIntentId);
    if (!outcome) return undefined;
    await this.outcomes.prepare(this.database, attempt);
    return (tx) => this.outcomes.converge(tx, attempt, outcome);
  }

  /** After the part that books the payment, in the same transaction. */
  private async ofPage({ type, object }: StripeEvent): Promise<StripeEffect | undefined> {
    const topUpId = metadataOf(object, 'topup_id');
    const attempt = topUpId === undefined ? undefined : await this.attempts.ofTopUp(topUpId);
    if (!attempt) return undefined;
    const ended = ENDED[type];
    if (ended) return (tx) => this.outcomes.converge(tx, attempt, { kind: ended });
    if (object['payment_status'] !== 'paid') return undefined;
    return (tx) => this.outcomes.converge(tx, attempt, { kind: 'booked' });
  }

  private async ofCard({ type, object }: StripeEvent): Promise<StripeEffect | undefined> {
    const stripeCustomerId = object['object'] === 'customer' ? idOf(object) : idOf(object['customer']);
    const customerId = stripeCustomerId && (await this.cards.stoppedCustomer(stripeCustomerId));
    if (!customerId) return undefined;
    return this.cards.changed(customerId, RENEWALS.includes(type) ? fingerprintOf(object) : undefined);
  }
}

function fingerprintOf({ card }: StripeEvent['object']): string | undefined {
  const fingerprint = isRecord(card) ? card['fingerprint'] : undefined;
  return typeof fingerprint === 'string' ? fingerprint : undefined;
}

function metadataOf(object: StripeEvent['object'], name: string): string | undefined {
  const { metadata } = object;
  const value = isRecord(metadata) ? metadata[name] : undefined;
  return typeof value === 'string' ? value : undefined;
}
