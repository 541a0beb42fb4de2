import { Inject, Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { CONFIG } from '../../config/config.module';
import type { Config } from '../../config/config';
import { JobsService } from '../../jobs/jobs.service';
import type { Claim } from '../claim';
import { ClaimsService } from '../claims.service';
import { ReversedTransfers } from '../reversals/reversed-transfers.service';
import { UptoSettlement } from './upto-settlement.service';

/** Each may wait for a block. */
const AT_ONCE = 32;

/** Finishes what a crash or a silent chain left: every `upto` claim ends as settled, released or failed. */
@Injectable()
export class UptoReconciler implements OnModuleInit {
  private readonly logger = new Logger('UptoReconciler');

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly jobs: JobsService,
    private readonly claims: ClaimsService,
    private readonly settlement: UptoSettlement,
    private readonly reversed: ReversedTransfers,
  ) {}

  onModuleInit(): void {
    if (!this.config.x402) return;
    // Each network by itself: one whose node is silent keeps no other waiting.
    for (const { id } of this.config.x402.networks) {
      this.jobs.register({ name: `reconcile-upto-${id}`, everySeconds: 2, run: () => this.settleOn(id) });
    }
    this.jobs.register({ name: 'reconcile-upto', everySeconds: 2, run: () => this.tidy() });
  }

  private async settleOn(network: string): Promise<void> {
    const unsettled = await this.claims.abandoned('upto', ['settling', 'in_doubt'], AT_ONCE, network);
    await Promise.all(unsettled.map((claim) => this.settle(claim)));
  }

  private async tidy(): Promise<void> {
    // Nothing has moved: the same payment may be used again, and its ceiling is free.
    for (const claim of await this.claims.abandoned('upto', ['working'])) await this.claims.abandon(claim, 'released');
    await this.reversed.retry('upto', (claim) => this.settlement.tryAgain(claim));
  }

  private async settle(claim: Claim): Promise<void> {
    await this.settlement
      .reconcile(claim)
      .catch((error: unknown) => this.logger.error(`${claim.key} stays ${claim.state}: ${String(error)}`));
  }
}
