import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import type { Hex } from 'viem';
import { JobsService } from '../../jobs/jobs.service';
import { type ChainNetwork, NetworksService } from '../chain/networks.service';
import { ChannelAuthorizers } from './channel-authorizers.service';
import { type Candidate, ChannelClaims } from './channel-claims.service';
import { ChannelClaimSender } from './channel-claim-sender.service';
import { channelsToClaim, leastOf } from './claim-policy';

/** Claims what channels owe us, when it pays or when it must be: at the latest at a third of the withdraw delay. */
@Injectable()
export class ClaimScheduler implements OnModuleInit {
  private readonly logger = new Logger('ClaimScheduler');

  constructor(
    private readonly jobs: JobsService,
    private readonly networks: NetworksService,
    private readonly authorizers: ChannelAuthorizers,
    private readonly claims: ChannelClaims,
    private readonly sender: ChannelClaimSender,
  ) {}

  onModuleInit(): void {
    if (this.authorizers.all().length === 0) return;
    this.jobs.register({ name: 'claim-channels', everySeconds: 5, run: () => this.run() });
  }

  async run(): Promise<void> {
    for (const claim of await this.claims.left()) await this.sender.finishLeft(claim);
    for (const { network, address } of this.authorizers.all()) {
      await this.claimOn(this.networks.of(network.id), address).catch((error: unknown) =>
        this.logger.warn(`${network.id}: channels are not claimed now: ${String(error).split('\n')[0]}`),
      );
    }
  }

  private async claimOn({ id, config, reader }: ChainNetwork, authorizer: Hex): Promise<void> {
    if (!config.channels) return;
    const terms = {
      nowMs: Date.now(),
      weiPerGas: await reader.getGasPrice(),
      usdPerCoin: config.gas.usdPerCoin,
      valueToGas: BigInt(config.channels.claimValueToGas),
    };
    for (const group of groupsOf(await this.claims.candidates(id, authorizer, leastOf(terms)))) {
      for (const list of channelsToClaim(group, terms)) {
        const claim = await this.claims.open(
          id,
          list.map(({ id: channel }) => channel as Hex),
        );
        if (claim) await this.sender.send(claim);
      }
    }
  }
}

/** Channels of one receiver and token go together. */
function groupsOf(candidates: readonly Candidate[]): Candidate[][] {
  const groups = new Map<string, Candidate[]>();
  for (const candidate of candidates) {
    const key = `${candidate.config.receiver}:${candidate.config.token}`;
    groups.set(key, [...(groups.get(key) ?? []), candidate]);
  }
  return [...groups.values()];
}
