import { Injectable, type OnModuleInit } from '@nestjs/common';
import { DatabaseService } from '../database/database.service';
import { BankDebits } from './bank-debits.service';
import { CardPaymentsService } from './card-payments.service';
import { type CheckoutNews, newsOf } from './checkout-event';
import { PaidChargesClient, type UnpaidCharge } from './paid-charges.client';
import type { Tx } from '../database/tx';
import { idOf, type StripeEvent } from './stripe-event';
import { type StripeEffect, StripeEvents } from './stripe-events.service';
import { StripeSources } from './stripe-sources.service';

/** Brings a payment onto the books that is known by its charge alone: no event of it has arrived. */
@Injectable()
export class ChargeSource implements OnModuleInit {
  private readonly followers: BookedFollower[] = [];
  private takeBack: ReturnedDebit | undefined;

  constructor(
    private readonly sources: StripeSources,
    private readonly database: DatabaseService,
    private readonly charges: PaidChargesClient,
    private readonly payments: CardPaymentsService,
    private readonly debits: BankDebits,
    private readonly events: StripeEvents,
  ) {}

  onModuleInit(): void {
    // Stripe calls what does not come from a card a payment.
    this.sources.register(['ch', 'py'], (id) => this.converge(id));
    this.events.handle({ types: ['charge.failed'], read: (event) => this.failed(event) });
  }

  /** A card that is declined has moved nothing: of those there are many. */
  private async failed({ object }: StripeEvent): Promise<StripeEffect | undefined> {
    const id = idOf(object['id']);
    return id?.startsWith('py_') === true ? this.converge(id) : undefined;
  }

  /** Called in `onModuleInit`. `follower` is told of each top-up whose payment is on the books, in the same transaction. */
  follow(follower: BookedFollower): void {
    this.followers.push(follower);
  }

  /** Called in `onModuleInit`, once: who takes back a payment that is on the books, and whose bank took it back. */
  whenReturned(takeBack: ReturnedDebit): void {
    this.takeBack = takeBack;
  }

  private async convergeUnpaid(debit: UnpaidCharge): Promise<StripeEffect | undefined> {
    if (!(await this.payments.isBooked(this.database, debit.paymentIntentId))) return this.debits.effectOf(debit);
    return debit.isFailed ? this.takeBack?.(debit) : undefined;
  }

  /** @throws StripeError when Stripe cannot be asked */
  private async converge(chargeId: string): Promise<StripeEffect | undefined> {
    const charge = await this.charges.find(chargeId);
    if (!charge) return undefined;
    if ('isFailed' in charge) return this.convergeUnpaid(charge);
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

export type ReturnedDebit = (debit: UnpaidCharge) => Promise<StripeEffect | undefined>;
export type BookedFollower = (tx: Tx, topUpId: string) => Promise<unknown>;

type PaidNews = Extract<CheckoutNews, { kind: 'paid' }>;
