import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import type { Config } from '../config/config';
import { CONFIG } from '../config/config.module';
import { JobsService } from '../jobs/jobs.service';
import { NightlyNews } from './nightly-news.service';
import { Reconcile } from './reconcile.service';
import { ReconciliationRunningError } from './reconciliation-error';
import { ReconciliationRequests } from './reconciliation-requests.service';
import { dayOf } from './reconciliation-run';

/** How soon a night that failed, was interrupted or met another run is tried again. */
const LOOK_SECONDS = 900;

/** Compares everything once a day, from RECONCILE_AT_HOUR (UTC) on, whichever replica gets there first. */
@Injectable()
export class NightlyReconciliation implements OnModuleInit {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly jobs: JobsService,
    private readonly reconcile: Reconcile,
    private readonly requests: ReconciliationRequests,
    private readonly news: NightlyNews,
  ) {}

  onModuleInit(): void {
    const run = async () => void (await this.look(new Date()));
    this.jobs.register({ name: 'reconcile-nightly', everySeconds: LOOK_SECONDS, run });
  }

  /** @returns whether it has compared anything: not before its hour, not twice a day, not while another run is on. */
  async look(now: Date): Promise<boolean> {
    if (now.getUTCHours() < this.config.reconcileAtHour) return false;
    const day = dayOf(now);
    const run = await this.reconcile.nightly(day, await this.requests.requestOf({})).catch((error: unknown) => {
      if (error instanceof ReconciliationRunningError) return undefined;
      throw error;
    });
    await this.news.tell();
    return run !== undefined;
  }
}
