import { Injectable } from '@nestjs/common';
import { type PendingSettlementStore, x402Facilitator } from '@x402/core/facilitator';
import type { SettleResponse, SupportedResponse, VerifyResponse } from '@x402/core/types';
import { BatchSettlementEvmScheme } from '@x402/evm/batch-settlement/facilitator';
import { ExactEvmScheme } from '@x402/evm/exact/facilitator';
import { UptoEvmScheme } from '@x402/evm/upto/facilitator';
import type { Hex } from 'viem';
import { type ChainNetwork, NetworksService } from '../chain/networks.service';
import { Settler } from '../chain/settler.service';
import type { FacilitatedPayment } from './facilitated-payment';
import { FacilitatorError } from './facilitator-error';
import { facilitatorSigner, type Trouble } from './facilitator-signer';

/** The published facilitator on our chains, whose transactions are sent and remembered like any other of ours. */
@Injectable()
export class ChainFacilitator {
  constructor(
    private readonly networks: NetworksService,
    private readonly settler: Settler,
  ) {}

  supported(): SupportedResponse {
    const kinds = this.chains().map((network) => this.schemesOn(network, {}).getSupported());
    return {
      kinds: kinds.flatMap((supported) => supported.kinds) as SupportedResponse['kinds'],
      extensions: [],
      signers: { 'eip155:*': [...new Set(this.chains().flatMap(({ addresses }) => addresses))] },
    };
  }

  /** The chain of a payment that could be settled here, `undefined` when there is none. */
  chainOf({ scheme, network }: Pick<FacilitatedPayment, 'scheme' | 'network'>): ChainNetwork | undefined {
    const offered = this.supported().kinds.some((kind) => kind.scheme === scheme && kind.network === network);
    return offered ? this.networks.of(network) : undefined;
  }

  /** @throws FacilitatorError `chain_unavailable`, `invalid_payment_requirements` */
  async verify(network: ChainNetwork, { payload, requirements }: FacilitatedPayment): Promise<VerifyResponse> {
    const trouble: Trouble = {};
    const verdict = await this.schemesOn(network, trouble)
      .verify(payload, requirements)
      .catch(() => undefined);
    if (verdict?.isValid) return verdict;
    throwTrouble(trouble, network.id);
    // The package throws where a member is missing or no number.
    if (!verdict) throw new FacilitatorError('invalid_payment_requirements', network.id);
    return verdict;
  }

  /**
   * Settles a payment, or finishes what was begun under the same reference.
   * @throws FacilitatorError `settlement_pending`, `chain_unavailable`, `invalid_payment_requirements`
   */
  async settle(network: ChainNetwork, payment: FacilitatedPayment, reference: string): Promise<SettleResponse> {
    const before = await this.settler.outcomeOf(reference, mined).catch(() => undefined);
    if (!before) throw new FacilitatorError('chain_unavailable', network.id);
    if (before.kind === 'in_doubt') throw new FacilitatorError('settlement_pending', network.id, before.transaction);
    const { payload, requirements } = payment;
    const sent = before.kind === 'succeeded' ? before.transaction : undefined;
    if (sent !== undefined && !isRemembered(payment))
      return { success: true, transaction: sent, network: payment.network as SettleResponse['network'] };
    const trouble: Trouble = {};
    const result = await this.schemesOn(network, trouble, { reference, sent })
      .settle(payload, requirements)
      .catch(() => undefined);
    if (result?.success) return result;
    throwTrouble(trouble, network.id);
    if (!result) throw new FacilitatorError('invalid_payment_requirements', network.id);
    return result;
  }

  /** Chains whose gas we pay ourselves. */
  private chains(): ChainNetwork[] {
    return this.networks.all().filter(({ addresses }) => addresses.length > 0);
  }

  /** Made anew for each request: what goes wrong on the way belongs to it alone. */
  private schemesOn(
    network: ChainNetwork,
    trouble: Trouble,
    settlement?: { reference: string; sent: Hex | undefined },
  ) {
    const signer = facilitatorSigner(network, trouble, (call) =>
      this.settler.send({ ...call, network: network.id, reference: settlement?.reference ?? '' }, mined),
    );
    const pendingSettlementStore = remembering(settlement?.sent);
    const facilitator = new x402Facilitator().register(
      network.config.id,
      new ExactEvmScheme(signer, { pendingSettlementStore }),
    );
    if (network.config.upto)
      facilitator.register(network.config.id, new UptoEvmScheme(signer, { pendingSettlementStore }));
    if (network.config.channels) {
      facilitator.register(
        network.config.id,
        new BatchSettlementEvmScheme(signer, undefined, { pendingSettlementStore }),
      );
    }
    return facilitator;
  }
}

/** A foreign server's call has a transaction of its own, so that its receipt is the call's. */
const mined = (): boolean => true;

/** Of these the package itself asks whether they were sent before; the others end with the same state when repeated. */
const isRemembered = ({ payload }: FacilitatedPayment): boolean =>
  !['claim', 'refund'].includes(String(payload.payload['type']));

/** What was sent is in the database, where every replica finds it: the package is told of it, and remembers nothing. */
const remembering = (sent: Hex | undefined): PendingSettlementStore => ({
  get: () => Promise.resolve(sent),
  set: () => Promise.resolve(),
  delete: () => Promise.resolve(),
});

/** A bad answer counts only if every question behind it was answered. */
function throwTrouble({ inDoubt, unanswered }: Trouble, network: string): void {
  if (inDoubt) throw new FacilitatorError('settlement_pending', network, inDoubt.transaction);
  if (unanswered) throw new FacilitatorError('chain_unavailable', network);
}
