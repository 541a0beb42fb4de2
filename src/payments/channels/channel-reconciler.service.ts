import { Inject, Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { CONFIG } from '../../config/config.module';
import type { Config } from '../../config/config';
import { JobsService } from '../../jobs/jobs.service';
import type { Claim } from '../claim';
import { ClaimsService } from '../claims.service';
import { ChannelCapture } from './channel-capture.service';
import { BATCH_SETTLEMENT_SCHEME } from './channel-payment';
import { ChannelPrepaid } from './channel-prepaid.service';
import { ChannelsService } from './channels.service';

/** Finishes what workers that died left of calls on channels. */
@Injectable()
export class ChannelReconciler implements OnModuleInit {
  private readonly logger = new Logger('ChannelReconciler');

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly jobs: JobsService,
    private readonly claims: ClaimsService,
    private readonly channels: ChannelsService,
    private readonly captures: ChannelCapture,
    private readonly prepaid: ChannelPrepaid,
  ) {}

  onModuleInit(): void {
    if (!this.config.x402?.networks.some(({ channels }) => channels)) return;
    this.jobs.register({ name: 'reconcile-channels', everySeconds: 2, run: () => this.reconcile() });
  }

  async reconcile(): Promise<void> {
    for (const claim of await this.claims.abandoned(BATCH_SETTLEMENT_SCHEME, ['working', 'settling'])) {
      await this.finish(claim).catch((error: unknown) =>
        this.logger.error(`${claim.key} stays ${claim.state}: ${String(error)}`),
      );
    }
    await this.channels.freeAbandoned();
  }

  private async finish(claim: Claim): Promise<void> {
    const isPrepaid = claim.transaction !== null;
    if (claim.state === 'settling') return this.captures.finish(claim, isPrepaid);
    if (isPrepaid) return this.prepaid.restore(claim);
    await this.claims.abandon(claim, 'released');
  }
}
