import { Injectable, type OnModuleInit } from '@nestjs/common';
import { ChargeSource } from '../charge-source.service';
import type { UnpaidCharge } from '../paid-charges.client';
import { idOf, type StripeEvent } from '../stripe-event';
import { type StripeEffect, StripeEvents } from '../stripe-events.service';
import { StripeSources } from '../stripe-sources.service';
import { RefundOutcomes } from './refund-outcomes.service';
import { RefundsClient } from './refunds.client';

const TYPES = ['refund.created', 'refund.updated', 'refund.failed', 'charge.refunded', 'charge.refund.updated'];

/** What Stripe tells of refunds. Whichever event it is, all refunds of its payment are brought to what they are. */
@Injectable()
export class RefundEvents implements OnModuleInit {
  constructor(
    private readonly events: StripeEvents,
    private readonly sources: StripeSources,
    private readonly charges: ChargeSource,
    private readonly client: RefundsClient,
    private readonly outcomes: RefundOutcomes,
  ) {}

  onModuleInit(): void {
    this.events.handle({ types: TYPES, read: (event) => this.read(event) });
    this.sources.register(['re', 'pyr'], (id) => this.ofRefund(id));
    this.charges.whenReturned((debit) => this.ofReturnedDebit(debit));
  }

  /** It was credited, and goes as a refund does that nobody asked for. */
  private async ofReturnedDebit({ chargeId, paymentIntentId, total, left, back }: UnpaidCharge) {
    const refund = { id: chargeId, chargeId, refundId: null, minor: BigInt(left), paid: BigInt(total) };
    return this.outcomes.effectOf(paymentIntentId, [
      {
        ...{ ...refund, status: 'succeeded', failureReason: null, reason: 'payment_failed' },
        ...{ left: back && { ...back, paymentIntentId }, back: undefined, isReturnedDebit: true },
      },
    ]);
  }

  /** A charge and a refund name their payment alike. */
  private async read({ object }: StripeEvent): Promise<StripeEffect | undefined> {
    const paymentIntentId = idOf(object['payment_intent']);
    return paymentIntentId === undefined ? undefined : this.ofPayment(paymentIntentId);
  }

  private async ofRefund(id: string): Promise<StripeEffect | undefined> {
    const paymentIntentId = await this.client.paymentOf(id);
    return paymentIntentId === undefined ? undefined : this.ofPayment(paymentIntentId);
  }

  private async ofPayment(paymentIntentId: string): Promise<StripeEffect | undefined> {
    return this.outcomes.effectOf(paymentIntentId, await this.client.listOf(paymentIntentId));
  }
}
