import { Injectable, type OnModuleInit } from '@nestjs/common';
import { idOf } from '../stripe-event';
import { type StripeEffect, StripeEvents } from '../stripe-events.service';
import { StripeSources } from '../stripe-sources.service';
import { PayoutOutcomes } from './payout-outcomes.service';
import { StripeBooksClient } from './stripe-books.client';

const NEWS = ['created', 'updated', 'paid', 'failed', 'canceled', 'reconciliation_completed'];

/** What Stripe tells of payouts. Whichever event it is, the payout is asked for as it is now. */
@Injectable()
export class PayoutEvents implements OnModuleInit {
  constructor(
    private readonly events: StripeEvents,
    private readonly sources: StripeSources,
    private readonly client: StripeBooksClient,
    private readonly outcomes: PayoutOutcomes,
  ) {}

  onModuleInit(): void {
    const types = NEWS.map((news) => `payout.${news}`);
    this.events.handle({ types, read: ({ object }) => this.ofPayout(idOf(object) ?? '') });
    this.sources.register(['po'], (id) => this.ofPayout(id));
  }

  private async ofPayout(id: string): Promise<StripeEffect> {
    const payout = await this.client.payout(id);
    await this.outcomes.prepare();
    return (tx) => this.outcomes.converge(tx, payout);
  }
}
