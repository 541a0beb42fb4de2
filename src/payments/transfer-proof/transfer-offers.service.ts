import { Inject, Injectable } from '@nestjs/common';
import { CONFIG } from '../../config/config.module';
import type { Config } from '../../config/config';
import { NetworksService } from '../chain/networks.service';
import type { Work } from '../payment-scheme';
import { usdcCeiling } from '../usdc-ceiling';
import { issueReference } from './payment-reference';
import { transferInstructions, walletProviderOf } from './transfer-instructions';

/** Says where a plain transfer for a call can be sent: on each network, under a reference of its own. */
@Injectable()
export class TransferOffers {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly networks: NetworksService,
  ) {}

  /** Whether transfers are taken at all. */
  get areMade(): boolean {
    return this.networks.all().length > 0;
  }

  /** On every network that answers: what is sent to one that does not could not be shown. */
  for(work: Work): Record<string, unknown>[] {
    const wallet = walletProviderOf(work.headers);
    const amount = usdcCeiling(work);
    const issuedAt = new Date();
    const answering = this.networks.all().filter(({ id }) => !this.networks.isAway(id));
    return answering.map(({ id: network, config }) => {
      const { payTo } = config;
      const asset = config.asset.address;
      const terms = { fingerprint: work.fingerprint, network, asset, payTo };
      const reference = issueReference(terms, amount.atoms, this.config.apiKeyPepper, issuedAt);
      return transferInstructions({ network, asset, payTo, amount, reference, issuedAt }, wallet);
    });
  }
}
