import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { DatabaseService } from '../../database/database.service';
import { JobsService } from '../../jobs/jobs.service';
import { StripeConnection } from '../stripe-connection.client';
import { StripeSources } from '../stripe-sources.service';
import { DisputeStore } from './dispute-store.service';

const BATCH = 100;

/** Asks Stripe again for what is not decided, in case that an event of it never arrived. */
@Injectable()
export class UndecidedSweep implements OnModuleInit {
  private readonly logger = new Logger('UndecidedSweep');

  constructor(
    private readonly jobs: JobsService,
    private readonly stripe: StripeConnection,
    private readonly store: DisputeStore,
    private readonly sources: StripeSources,
    private readonly database: DatabaseService,
  ) {}

  onModuleInit(): void {
    if (!this.stripe.isConfigured) return;
    this.jobs.register({ name: 'converge-disputes', everySeconds: 3600, run: () => this.sweep() });
  }

  /** Safe to repeat: each is brought to what it is at Stripe. One that cannot be asked for keeps no other waiting. */
  async sweep(): Promise<void> {
    for (let after: string | undefined = ''; after !== undefined;) {
      const ids: string[] = await this.store.undecided(BATCH, after);
      for (const id of ids) {
        await this.converge(id).catch((error: unknown) =>
          this.logger.warn(`${id} is left for later: ${String(error)}`),
        );
      }
      after = ids.length < BATCH ? undefined : ids.at(-1);
    }
  }

  private async converge(id: string): Promise<void> {
    const effect = await this.sources.converge(id);
    if (effect) await this.database.transaction(effect);
  }
}
