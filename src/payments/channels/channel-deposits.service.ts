import { Injectable } from '@nestjs/common';
import type { Hex, TransactionReceipt } from 'viem';
import { BATCH_SETTLEMENT } from '../../evm/contracts';
import { NetworksService } from '../chain/networks.service';
import { Settler } from '../chain/settler.service';
import type { Refusal } from '../refusal';
import { depositCall } from './channel-contract';
import type { Deposit } from './channel-deposit';
import type { ChannelPayment } from './channel-payment';
import { channelRefusal } from './channel-refusal';
import type { DepositMethod } from './deposit-method';
import { ERC3009_DEPOSIT } from './erc3009-deposit';
import { PERMIT2_DEPOSIT } from './permit2-deposit';

export type DepositPayment = ChannelPayment & { readonly deposit: Deposit };

export type DepositOutcome =
  /** `transaction` is empty when somebody else has sent it. */
  | { readonly kind: 'made'; readonly transaction: Hex | '' }
  | { readonly kind: 'refused' }
  | { readonly kind: 'in_doubt'; readonly transaction?: Hex | undefined };

/** Puts payers' money into their channels: it stays theirs, so nothing of it is on the books. */
@Injectable()
export class ChannelDeposits {
  constructor(
    private readonly networks: NetworksService,
    private readonly settler: Settler,
  ) {}

  /**
   * Why a deposit cannot be made; `'made'` when it was made before: a repeat of the request finds its money there.
   * @throws when the node does not answer.
   */
  async check(payment: DepositPayment): Promise<Refusal | 'made' | undefined> {
    const network = this.networks.of(payment.accepted.network);
    const fault = await methodOf(payment).faultOf(payment, network);
    if (fault === 'made') return fault;
    const isSmall = payment.deposit.amount < (network.config.channels?.minDepositAtoms ?? 0n);
    return isSmall ? channelRefusal('deposit_below_min_deposit') : fault;
  }

  /** Sends a deposit that is not `made`, once, however often it is asked for. Never throws: trouble of any kind is doubt. */
  async make(payment: DepositPayment, made: boolean): Promise<DepositOutcome> {
    const { config, deposit, accepted } = payment;
    const { id: network, reader } = this.networks.of(accepted.network);
    const method = methodOf(payment);
    const reference = referenceOf(payment);
    const happened = (receipt: TransactionReceipt) => method.happened(payment, receipt);
    try {
      const before = await this.settler.outcomeOf(reference, happened);
      if (before.kind === 'succeeded') return { kind: 'made', transaction: before.transaction };
      if (made) return { kind: 'made', transaction: '' };
      if (before.kind === 'in_doubt') return before;
      const code = await reader.getCode({ address: config.payer });
      const outcome = await this.settler.send(
        {
          network,
          reference,
          to: BATCH_SETTLEMENT,
          data: depositCall(config, deposit.amount, method.collector, method.collectorData(payment)),
          gas: method.gas,
          // A contract wallet checks its own signature, in its own code.
          alone: code !== undefined,
        },
        happened,
      );
      if (outcome.kind === 'succeeded') return { kind: 'made', transaction: outcome.transaction };
      return outcome.kind === 'in_doubt' ? outcome : { kind: 'refused' };
    } catch {
      return { kind: 'in_doubt' };
    }
  }
}

const METHODS = { eip3009: ERC3009_DEPOSIT, permit2: PERMIT2_DEPOSIT } as const;

const methodOf = ({ deposit }: DepositPayment) => METHODS[deposit.method] as DepositMethod<DepositPayment>;

/** What was sent for a deposit is found under this. */
function referenceOf(payment: DepositPayment): string {
  const { accepted, config, deposit } = payment;
  const name = deposit.method === 'permit2' ? 'permit2:' : '';
  return `channel-deposit:${accepted.network}:${config.payer}:${name}${methodOf(payment).nonceOf(payment)}`;
}
