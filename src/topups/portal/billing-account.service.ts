import { Injectable } from '@nestjs/common';
import { inOrderOfUse } from '../../credits/grant';
import { GrantHistory } from '../../credits/grant-history.service';
import { CustomersService } from '../../customers/customers.service';
import { Balances } from '../balances.service';
import { SavedCardsService } from '../cards/saved-cards.service';
import { ReloadStanding } from '../reload/reload-standing.service';
import { CardProcessorError, CardTopUpsUnavailableError } from '../topup-error';
import { TopUpsService } from '../topups.service';
import type { BillingAccount } from './billing-account';

/** How many of what there may be thousands of; the API has the rest. */
const NEWEST = 20;

/** Gathers what one customer may see. */
@Injectable()
export class BillingAccounts {
  constructor(
    private readonly customers: CustomersService,
    private readonly balances: Balances,
    private readonly grants: GrantHistory,
    private readonly cards: SavedCardsService,
    private readonly reload: ReloadStanding,
    private readonly topUps: TopUpsService,
  ) {}

  /** @throws NotFoundError `customer_not_found` */
  async of(customerId: string): Promise<BillingAccount> {
    const { name } = await this.customers.get(customerId);
    // Together: what is awaited later may fail meanwhile, with nobody there to take it.
    const [kept, cards] = await Promise.all([this.keptOf(customerId), this.cardsOf(customerId)]);
    return { name, ...kept, cards };
  }

  /** What is in our own database. */
  private async keptOf(customerId: string): Promise<Omit<BillingAccount, 'name' | 'cards'>> {
    return {
      balance: await this.balances.of(customerId),
      grants: inOrderOfUse((await this.grants.at(customerId)).grants),
      rule: await this.reload.of(customerId),
      attempts: await this.reload.latest(customerId, NEWEST),
      topUps: await this.topUps.list(customerId, NEWEST),
    };
  }

  /** A page without its cards is better than none. */
  private async cardsOf(customerId: string): Promise<BillingAccount['cards']> {
    try {
      return await this.cards.list(customerId);
    } catch (error) {
      if (error instanceof CardTopUpsUnavailableError) return 'not_taken';
      if (error instanceof CardProcessorError) return 'unavailable';
      throw error;
    }
  }
}
