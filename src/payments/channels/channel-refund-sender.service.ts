import { Injectable } from '@nestjs/common';
import { type Hex, isAddressEqual, parseEventLogs, type TransactionReceipt } from 'viem';
import { BATCH_SETTLEMENT } from '../../evm/contracts';
import { EIP3009_ABI } from '../../evm/eip3009';
import type { CallOutcome, Unsent } from '../chain/chain-call';
import { Settler } from '../chain/settler.service';
import type { Channel } from './channel';
import { ChannelAuthorizers } from './channel-authorizers.service';
import { claimOf } from './channel-claim';
import { refundCall } from './channel-contract';
import { ChannelSettlements } from './channel-settlements.service';

/** Claim, payout and refund in one transaction take about 200 thousand. */
const REFUND_GAS = 350_000n;

/** Sends refunds: what is owed is claimed and paid out in the same transaction, so that nobody is ahead of the other. */
@Injectable()
export class ChannelRefundSender {
  constructor(
    private readonly settler: Settler,
    private readonly authorizers: ChannelAuthorizers,
    private readonly settlements: ChannelSettlements,
  ) {}

  /** Gives `amount` back. The channel's refund nonce is used once, so a repeat gives nothing twice. */
  async send(reference: string, channel: Channel, amount: bigint): Promise<CallOutcome> {
    const { network, config, refundNonce: nonce, id: channelId } = channel;
    const voucher = claimOf(channel);
    const claim =
      channel.charged > channel.totalClaimed
        ? { voucher, authorization: await this.authorizers.signClaims(network, [voucher]) }
        : undefined;
    const authorization = await this.authorizers.signRefund(network, { channelId, nonce, amount });
    const data = refundCall(claim, { config, amount, nonce, authorization });
    return this.settler.send({ network, reference, to: BATCH_SETTLEMENT, data, gas: REFUND_GAS }, happened(channel));
  }

  /** What became of what was sent. @throws when the node does not answer. */
  async outcomeOf(reference: string, channel: Channel): Promise<CallOutcome | Unsent> {
    return this.settler.outcomeOf(reference, happened(channel));
  }

  /** Books what was claimed with a refund, and says how much went back. Safe to repeat. */
  async book(channel: Channel, receipt: TransactionReceipt): Promise<bigint> {
    const { receiver, token } = channel.config;
    await this.settlements.book(channel.network, receipt.logs, receiver, token);
    return backIn(channel, receipt).reduce((sum, value) => sum + value, 0n);
  }
}

const happened = (channel: Channel) => (receipt: TransactionReceipt) => backIn(channel, receipt).length > 0;

/** Transfers from the channels to the payer. */
const backIn = ({ config }: Channel, { logs }: TransactionReceipt): readonly bigint[] =>
  parseEventLogs({
    abi: EIP3009_ABI,
    logs,
    eventName: 'Transfer',
    args: { from: BATCH_SETTLEMENT as Hex, to: config.payer },
  })
    .filter(({ address }) => isAddressEqual(address, config.token))
    .map(({ args }) => args.value);
