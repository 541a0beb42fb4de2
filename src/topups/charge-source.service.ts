import { Injectable, type OnModuleInit } from '@nestjs/common';
import { DatabaseService } from '../database/database.service';
import { CardPaymentsService } from './card-payments.service';
import { type CheckoutNews, newsOf } from './checkout-event';
import { PaidChargesClient } from './paid-charges.client';
import type { Tx } from '../database/tx';
import type { StripeEffect } from './stripe-events.service';
import { StripeSources } from './stripe-sources.service';

/** Brings a payment onto the books that is known by its charge alone: no event of it has arrived. */
@Injectable()
export class ChargeSource implements OnModuleInit {
  private readonly followers: BookedFollower[] = [];

  constructor(
    private readonly sources: StripeSources,
    private readonly database: DatabaseService,
    private readonly charges: PaidChargesClient,
    private readonly payments: CardPaymentsService,
  ) {}

  onModuleInit(): void {
    // Stripe calls what does not come from a card a payment.
    this.sources.register(['ch', 'py'], (id) => this.converge(id));
  }

  /** Called in `onModuleInit`. `follower` is told of each top-up whose payment is on the books, in the same transaction. */
  follow(follower: BookedFollower): void {
    this.followers.push(follower);
  }

  /** @throws StripeError when Stripe cannot be asked */
  private async converge(chargeId: string): Promise<StripeEffect | undefined> {
    const charge = await this.charges.find(chargeId);
    if (!charge) return undefined;
    const { paymentIntentId, currency, total, topUpId, movement, session } = charge;
    // A page knows what of it is tax; a card that was charged without one paid none.
    const told =
      session && newsOf({ id: chargeId, type: 'checkout.session.completed', created: new Date(), object: session });
    const payment = { paymentIntentId, currency, total, tax: 0 };
    const paid: PaidNews =
      told?.kind === 'paid' ? told : { kind: 'paid', checkout: { sessionId: null, topUpId }, payment };
    await this.payments.prepare(this.database, paid.checkout);
    return async (tx) => {
      const effect = await this.payments.book(tx, paid.checkout, paid.payment, movement);
      const booked = effect === 'unsupported_currency' ? null : (paid.checkout.topUpId ?? topUpId);
      if (booked !== null) for (const follower of this.followers) await follower(tx, booked);
      if (effect !== 'already_booked' || !movement) return effect;
      return this.payments.bookMovement(tx, paymentIntentId, movement);
    };
  }
}

export type BookedFollower = (tx: Tx, topUpId: string) => Promise<unknown>;

type PaidNews = Extract<CheckoutNews, { kind: 'paid' }>;
