import { Inject, Injectable } from '@nestjs/common';
import { CONFIG } from '../../config/config.module';
import type { Config } from '../../config/config';
import { DatabaseService } from '../../database/database.service';
import { DisputeStore } from '../disputes/dispute-store.service';
import type { AutoReloadRule } from './auto-reload';
import type { ReloadAttempt } from './reload-attempt';
import { ReloadAttempts } from './reload-attempts.service';
import { ReloadRules } from './reload-rules.service';

/** A rule as its customer is shown it, with whatever stands in the way of it at this moment. */
@Injectable()
export class ReloadStanding {
  constructor(
    private readonly database: DatabaseService,
    private readonly rules: ReloadRules,
    private readonly attempts: ReloadAttempts,
    private readonly disputes: DisputeStore,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** What comes and goes without the rule (tax, a dispute) is asked for and not kept: it is never out of date. */
  async of(customerId: string): Promise<AutoReloadRule | undefined> {
    const rule = await this.rules.find(customerId);
    if (!rule?.enabled) return rule;
    if (this.config.topUps.tax) return { ...rule, reason: 'tax_is_added' };
    const doubted = rule.reason === null && (await this.disputes.hasDoubted(this.database, customerId));
    return doubted ? { ...rule, reason: 'payment_disputed' } : rule;
  }

  /** Newest first. */
  latest(customerId: string, limit: number): Promise<ReloadAttempt[]> {
    return this.attempts.list(customerId, limit);
  }
}
