import { Injectable } from '@nestjs/common';
import { NotFoundError } from '../../common/billing-error';
import { StripeCustomers } from '../stripe-customers.service';
import type { SavedCard } from './saved-card';
import { SavedCardsClient, type WayBack } from './saved-cards.client';

/** The saved cards of our customers. They live at Stripe alone, so that nothing here can be out of date. */
@Injectable()
export class SavedCardsService {
  constructor(
    private readonly customers: StripeCustomers,
    private readonly cards: SavedCardsClient,
  ) {}

  /** Newest first. @throws NotFoundError `customer_not_found`, CardProcessorError, CardTopUpsUnavailableError */
  async list(customerId: string): Promise<SavedCard[]> {
    return this.cards.list(await this.customers.idOf(customerId));
  }

  /** A page of Stripe's to save a card on. `back`: where its holder goes from there; left out, to a page of ours. */
  async startSetup(customerId: string, back?: WayBack): Promise<string> {
    return this.cards.createSetup(customerId, await this.customers.idOf(customerId), back);
  }

  /** @throws NotFoundError `card_not_found`, also for a card of another customer */
  async makeDefault(customerId: string, cardId: string): Promise<SavedCard> {
    const card = await this.get(customerId, cardId);
    await this.cards.makeDefault(await this.customers.idOf(customerId), cardId);
    return { ...card, isDefault: true };
  }

  /** @throws NotFoundError `card_not_found`, also for a card of another customer */
  async remove(customerId: string, cardId: string): Promise<void> {
    await this.get(customerId, cardId);
    await this.cards.remove(cardId);
  }

  private async get(customerId: string, cardId: string): Promise<SavedCard> {
    const card = (await this.list(customerId)).find(({ id }) => id === cardId);
    if (!card) throw new NotFoundError({ what: 'card', id: cardId });
    return card;
  }
}
