import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { JobsService } from '../../jobs/jobs.service';
import type { Claim } from '../claim';
import { ClaimsService } from '../claims.service';
import { ChannelCapture } from './channel-capture.service';
import { BATCH_SETTLEMENT_SCHEME } from './channel-payment';
import { ChannelPrepaid } from './channel-prepaid.service';
import { CHANNEL_REFUND, ChannelRefunds } from './channel-refunds.service';
import { ChannelsService } from './channels.service';

/** Finishes what workers that died left of calls on channels. */
@Injectable()
export class ChannelReconciler implements OnModuleInit {
  private readonly logger = new Logger('ChannelReconciler');

  constructor(
    private readonly jobs: JobsService,
    private readonly claims: ClaimsService,
    private readonly channels: ChannelsService,
    private readonly captures: ChannelCapture,
    private readonly prepaid: ChannelPrepaid,
    private readonly refunds: ChannelRefunds,
  ) {}

  onModuleInit(): void {
    this.jobs.register({ name: 'reconcile-channels', everySeconds: 2, run: () => this.reconcile() });
  }

  async reconcile(): Promise<void> {
    const calls = await this.claims.abandoned(BATCH_SETTLEMENT_SCHEME, ['working', 'settling']);
    const refunds = await this.claims.abandoned(CHANNEL_REFUND, ['working']);
    for (const claim of [...calls, ...refunds]) {
      await this.finish(claim).catch((error: unknown) =>
        this.logger.error(`${claim.key} stays ${claim.state}: ${String(error)}`),
      );
    }
    await this.channels.freeAbandoned();
  }

  private async finish(claim: Claim): Promise<void> {
    if (claim.scheme === CHANNEL_REFUND) return this.refunds.reconcile(claim);
    const isPrepaid = claim.transaction !== null;
    if (claim.state === 'settling') return this.captures.finish(claim, isPrepaid);
    if (isPrepaid) return this.prepaid.restore(claim);
    await this.claims.abandon(claim, 'released');
  }
}
