import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { JobsService } from '../../jobs/jobs.service';
import { NetworksService } from '../chain/networks.service';
import { ChannelAuthorizers } from './channel-authorizers.service';
import { ChannelChain } from './channel-chain.service';
import { ChannelSettlements } from './channel-settlements.service';
import { ChannelsService } from './channels.service';

/** The shortest withdraw delay is 15 minutes: a payer who asks for the money back is seen long before that. */
const EVERY_SECONDS = 15;
const AT_ONCE = 100;
const MOST_CHANNELS = 10_000;

/** Looks at the chain for what others do to channels: withdrawals of payers, and payouts that strangers cause. */
@Injectable()
export class ChannelWatch implements OnModuleInit {
  private readonly logger = new Logger('ChannelWatch');

  constructor(
    private readonly jobs: JobsService,
    private readonly networks: NetworksService,
    private readonly authorizers: ChannelAuthorizers,
    private readonly channels: ChannelsService,
    private readonly chain: ChannelChain,
    private readonly settlements: ChannelSettlements,
  ) {}

  onModuleInit(): void {
    if (this.authorizers.all().length === 0) return;
    this.jobs.register({ name: 'watch-channels', everySeconds: EVERY_SECONDS, run: () => this.run() });
  }

  async run(): Promise<void> {
    for (const { network } of this.authorizers.all()) {
      await this.look(network.id).catch((error: unknown) =>
        this.logger.warn(`${network.id}: channels are not looked at now: ${String(error).split('\n')[0]}`),
      );
    }
  }

  private async look(network: string): Promise<void> {
    const watched = await this.channels.watched(network, MOST_CHANNELS);
    for (let first = 0; first < watched.length; first += AT_ONCE) {
      const some = watched.slice(first, first + AT_ONCE);
      const ids = some.map(({ id }) => id);
      await this.channels.syncMany(ids, await this.chain.statesOf(network, ids));
    }
    await this.settlements.watch(this.networks.of(network));
  }
}
