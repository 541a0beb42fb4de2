import { Inject, Injectable } from '@nestjs/common';
import { CONFIG } from '../../config/config.module';
import type { Config } from '../../config/config';
import { publicUrlOf } from '../public-url';
import { attempt, StripeConnection } from '../stripe-connection.client';
import { idOf } from '../stripe-event';
import { CardProcessorError } from '../topup-error';
import type { SavedCard } from './saved-card';

/** Addresses that Stripe's page leads back to. */
export interface WayBack {
  readonly saved: string;
  readonly cancelled: string;
}

/** Cards that a customer has saved at Stripe. */
@Injectable()
export class SavedCardsClient {
  constructor(
    private readonly stripe: StripeConnection,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** Newest first. https://docs.stripe.com/api/payment_methods/customer_list */
  async list(stripeCustomerId: string): Promise<SavedCard[]> {
    const { customers } = this.stripe.api;
    const [customer, methods] = await attempt(
      Promise.all([
        customers.retrieve(stripeCustomerId),
        customers.listPaymentMethods(stripeCustomerId, { type: 'card', limit: 100 }),
      ]),
    );
    const chosen = customer.deleted ? undefined : idOf(customer.invoice_settings.default_payment_method);
    const cards = methods.data.flatMap(({ id, card, created }) => (card ? [{ id, card, created }] : []));
    const known = cards.some(({ id }) => id === chosen) ? chosen : cards[0]?.id;
    return cards.map(({ id, card }) => ({
      id,
      brand: card.brand,
      last4: card.last4,
      expiresMonth: card.exp_month,
      expiresYear: card.exp_year,
      fingerprint: card.fingerprint ?? null,
      isDefault: id === known,
    }));
  }

  /** Whoever does it twice has done it once: no key of ours is needed. */
  async makeDefault(stripeCustomerId: string, cardId: string): Promise<void> {
    const settings = { invoice_settings: { default_payment_method: cardId } };
    await attempt(this.stripe.api.customers.update(stripeCustomerId, settings));
  }

  /** Stripe forgets that the card is the customer's; it cannot be charged any more. */
  async remove(cardId: string): Promise<void> {
    await attempt(this.stripe.api.paymentMethods.detach(cardId));
  }

  /** A page of Stripe's to save a card on. https://docs.stripe.com/payments/save-and-reuse?ui=checkout */
  async createSetup(customerId: string, stripeCustomerId: string, back?: WayBack): Promise<string> {
    const pages = `${publicUrlOf(this.config)}/topups`;
    const session = await attempt(
      this.stripe.api.checkout.sessions.create({
        mode: 'setup',
        currency: 'usd',
        customer: stripeCustomerId,
        client_reference_id: customerId,
        metadata: { customer_id: customerId },
        success_url: back?.saved ?? `${pages}/card-saved`,
        cancel_url: back?.cancelled ?? `${pages}/cancelled`,
      }),
    );
    if (session.url === null) throw new CardProcessorError('refused', new Error(`${session.id} has no url`));
    return session.url;
  }
}
