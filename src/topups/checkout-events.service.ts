import { Injectable, type OnModuleInit } from '@nestjs/common';
import { DatabaseService } from '../database/database.service';
import { CardPaymentsService } from './card-payments.service';
import { type CheckoutNews, newsOf } from './checkout-event';
import type { StripeEvent } from './stripe-event';
import { type StripeEffect, type StripeEventHandler, StripeEvents } from './stripe-events.service';
import { StripeClient } from './stripe.client';

/** What happens to a checkout page, and the fee of its payment. */
@Injectable()
export class CheckoutEvents implements StripeEventHandler, OnModuleInit {
  readonly types = [
    'checkout.session.completed',
    'checkout.session.async_payment_succeeded',
    'checkout.session.async_payment_failed',
    'checkout.session.expired',
    'charge.updated',
  ];

  constructor(
    private readonly events: StripeEvents,
    private readonly database: DatabaseService,
    private readonly stripe: StripeClient,
    private readonly payments: CardPaymentsService,
  ) {}

  onModuleInit(): void {
    this.events.handle(this);
  }

  async read(event: StripeEvent): Promise<StripeEffect | undefined> {
    const news = newsOf(event);
    return news && this.effectOf(news);
  }

  private async effectOf(news: CheckoutNews): Promise<StripeEffect | undefined> {
    switch (news.kind) {
      case 'paid': {
        const { paymentIntentId } = news.payment;
        if (news.isDelayed && !(await this.stripe.isPaid(paymentIntentId)))
          return (tx) => this.payments.note(tx, news.checkout, 'failed');
        const booked = await this.stripe.movementOf(paymentIntentId);
        await this.payments.prepare(this.database, news.checkout);
        return (tx) => this.payments.book(tx, news.checkout, news.payment, booked);
      }
      case 'charge_booked': {
        if (!(await this.payments.lacksFee(this.database, news.paymentIntentId))) return undefined;
        const booked = await this.stripe.movementOf(news.paymentIntentId);
        return async (tx) => (booked ? this.payments.bookMovement(tx, news.paymentIntentId, booked) : 'unchanged');
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
