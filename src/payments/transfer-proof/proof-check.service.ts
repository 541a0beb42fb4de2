import { Inject, Injectable, Logger } from '@nestjs/common';
import { CONFIG } from '../../config/config.module';
import type { Config } from '../../config/config';
import { NetworksService } from '../chain/networks.service';
import type { Work } from '../payment-scheme';
import type { Refusal } from '../refusal';
import { isMessageSignedBy } from '../signed-message';
import { type PaymentReference, readReference } from './payment-reference';
import { type ProofOfPayment, proofMessage } from './proof-of-payment';
import { type FoundTransfer, TransferFinder, type TransferFinding } from './transfer-finder.service';
import { chainSilent, notFoundYet, TRANSFER_REFUSALS, unconfirmed } from './transfer-refusals';

/** A transaction that is not known this long after its reference has expired was never sent, or was dropped. */
const PATIENCE_SECONDS = 600;

/** A proof that is the payer's own, and final on the chain. Whether it was used before is not asked here. */
export interface CheckedProof {
  readonly payTo: string;
  readonly reference: PaymentReference;
  /** Unix seconds. */
  readonly minedAt: number;
  readonly transfers: readonly FoundTransfer[];
}

/** Checks a proof against its request, its payer and the chain: cheapest question first. */
@Injectable()
export class ProofCheck {
  private readonly logger = new Logger('ProofCheck');

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly networks: NetworksService,
    private readonly finder: TransferFinder,
  ) {}

  async check(proof: ProofOfPayment, work: Pick<Work, 'fingerprint'>): Promise<CheckedProof | Refusal> {
    const network = this.networks.find(proof.network);
    if (!network) return TRANSFER_REFUSALS.wrongNetwork;
    const { payTo, asset, confirmations } = network.config;
    const terms = { fingerprint: work.fingerprint, network: network.id, asset: asset.address, payTo };
    const reference = readReference(proof.reference, terms, this.config.apiKeyPepper);
    if (!reference) return TRANSFER_REFUSALS.unknownReference;
    try {
      if (!(await this.isThePayers(proof))) return TRANSFER_REFUSALS.badSignature;
      const finding = await this.finder.find(proof, network);
      return finding.kind === 'found'
        ? { payTo, reference, minedAt: finding.minedAt, transfers: finding.transfers }
        : refusalOf(finding, reference, confirmations);
    } catch (error) {
      this.logger.warn(`${proof.transaction} cannot be looked up: ${String(error).split('\n')[0]}`);
      return chainSilent;
    }
  }

  /** EIP-191 for a key, EIP-1271 for a contract wallet. @throws when the chain does not answer. */
  async isThePayers(proof: ProofOfPayment): Promise<boolean> {
    const network = this.networks.find(proof.network);
    return (
      network !== undefined && isMessageSignedBy(network.reader, proof.payer, proofMessage(proof), proof.signature)
    );
  }
}

function refusalOf(
  finding: Exclude<TransferFinding, { kind: 'found' }>,
  reference: PaymentReference,
  needed: number,
): Refusal {
  switch (finding.kind) {
    case 'missing':
      return Date.now() / 1000 < reference.expiresAt + PATIENCE_SECONDS ? notFoundYet : TRANSFER_REFUSALS.unknown;
    case 'unconfirmed':
      return unconfirmed(finding.confirmations, needed);
    case 'reverted':
      return TRANSFER_REFUSALS.reverted;
    case 'foreign':
      return TRANSFER_REFUSALS.foreign;
    case 'authorized':
      return TRANSFER_REFUSALS.alreadyUsed;
  }
}
