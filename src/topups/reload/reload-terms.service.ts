import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { CONFIG } from '../../config/config.module';
import type { Config } from '../../config/config';
import { DatabaseService } from '../../database/database.service';
import type { Tx } from '../../database/tx';
import { JobsService } from '../../jobs/jobs.service';
import { StripeCustomers } from '../stripe-customers.service';
import { assertPossible, type AutoReloadTerms, taxNotice } from './auto-reload';
import { AutoReloadService } from './auto-reload.service';
import { ReloadWithTaxError } from './reload-error';
import { ReloadRules } from './reload-rules.service';

/** Sets the terms of a customer, and keeps what rests or was capped from being forgotten. */
@Injectable()
export class ReloadTerms implements OnModuleInit {
  constructor(
    private readonly database: DatabaseService,
    private readonly jobs: JobsService,
    private readonly customers: StripeCustomers,
    private readonly rules: ReloadRules,
    private readonly autoReload: AutoReloadService,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  onModuleInit(): void {
    this.jobs.register({ name: 'auto-reload-due', everySeconds: 60, run: () => this.evaluateDue() });
  }

  /**
   * The terms of a customer, judged at once. A rule that was stopped stays so.
   * @throws InvalidRequestError for terms under which nothing could ever be charged; ReloadWithTaxError; NotFoundError `customer_not_found`
   */
  async set(customerId: string, terms: AutoReloadTerms): Promise<void> {
    if (this.config.topUps.tax && terms.enabled) throw new ReloadWithTaxError();
    // What is off charges nothing, whatever it says: the operator may have changed the bounds since.
    if (terms.enabled) assertPossible(terms, this.config.topUps);
    // Also makes sure that Stripe is connected and knows the customer.
    await this.customers.idOf(customerId);
    await this.database.transaction(async (tx) => {
      await this.autoReload.lockBalance(tx, customerId);
      await this.rules.putTerms(tx, customerId, terms);
      await this.autoReload.evaluate(tx, customerId);
      await this.autoReload.watchFor(tx, customerId);
    });
  }

  /** Switches the rule off, whatever its terms are and whether or not Stripe answers; nothing where there is none. */
  async pause(customerId: string): Promise<void> {
    await this.database.transaction(async (tx) => {
      await this.autoReload.lockBalance(tx, customerId);
      if (!(await this.rules.lock(tx, customerId))) return;
      await this.rules.switchOff(tx, customerId);
      await this.autoReload.watchFor(tx, customerId);
    });
  }

  /**
   * Wakes rules whose rest is over. The balance of most others is above their threshold: nobody asks for them. Where tax
   * is added nothing is charged, and whoever relies on it is told before the balance is low.
   */
  private async evaluateDue(): Promise<void> {
    const failed: unknown[] = [];
    const { tax } = this.config.topUps;
    const judge = (tx: Tx, customerId: string): Promise<unknown> =>
      tax ? this.autoReload.tellOfTax(tx, customerId) : this.autoReload.evaluate(tx, customerId);
    for (const customerId of await (tax ? this.rules.untold(taxNotice('', new Date())) : this.rules.due())) {
      // One customer that cannot be judged must not keep the others waiting.
      await this.database.transaction((tx) => judge(tx, customerId)).catch((error: unknown) => failed.push(error));
    }
    if (failed.length > 0) throw new AggregateError(failed, `${failed.length} balances could not be judged`);
  }
}
