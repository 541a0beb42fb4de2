import { Injectable } from '@nestjs/common';
import type { AutoReloadTerms } from '../reload/auto-reload';
import { ReloadCards } from '../reload/reload-cards.service';
import { ReloadTerms } from '../reload/reload-terms.service';

/** What a customer may do with its rule on the page. */
@Injectable()
export class BillingReload {
  constructor(
    private readonly terms: ReloadTerms,
    private readonly cards: ReloadCards,
  ) {}

  /** @throws ReloadWithTaxError, CardProcessorError */
  async set(customerId: string, terms: AutoReloadTerms): Promise<void> {
    await this.terms.set(customerId, terms);
  }

  /** The same terms, switched off; nothing where there are none. */
  async pause(customerId: string): Promise<void> {
    await this.terms.pause(customerId);
  }

  /** Tries again, whatever stopped it. @throws CardProcessorError */
  async resume(customerId: string): Promise<void> {
    await this.cards.resumeNow(customerId);
  }
}
