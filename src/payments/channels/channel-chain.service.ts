import { Injectable } from '@nestjs/common';
import { decodeFunctionResult, encodeFunctionData, type Hex } from 'viem';
import { BATCH_SETTLEMENT } from '../../evm/contracts';
import { type ReadCall, readMany } from '../../evm/read-many';
import { NetworksService } from '../chain/networks.service';
import type { ChannelState } from './channel';
import { CHANNELS_ABI } from './channel-contract';

/** What the chain says of channels. Everything here throws when the node does not answer. */
@Injectable()
export class ChannelChain {
  constructor(private readonly networks: NetworksService) {}

  /** As of the newest block, in one round trip, in the order in which they were asked for. */
  async statesOf(network: string, ids: readonly Hex[]): Promise<ChannelState[]> {
    const calls = ids.flatMap((id) => QUESTIONS.map((functionName) => question(functionName, id)));
    const answers = await readMany(this.networks.of(network).reader, calls);
    const words = answers.map((answer) => {
      if (!answer.ok) throw new Error(`${BATCH_SETTLEMENT} on ${network} does not answer as a channel contract.`);
      return answer.data;
    });
    return ids.map((_, index) => stateIn(words.slice(index * QUESTIONS.length, (index + 1) * QUESTIONS.length)));
  }

  async stateOf(network: string, id: Hex): Promise<ChannelState> {
    return (await this.statesOf(network, [id]))[0] as ChannelState;
  }

  /** What was ever transferred to a receiver, whoever caused it. */
  async settledOf(network: string, receiver: Hex, token: Hex): Promise<bigint> {
    const [, totalSettled] = await this.networks.of(network).reader.readContract({
      address: BATCH_SETTLEMENT,
      abi: CHANNELS_ABI,
      functionName: 'receivers',
      args: [receiver, token],
    });
    return totalSettled;
  }
}

const QUESTIONS = ['channels', 'pendingWithdrawals', 'refundNonce'] as const;

const question = (functionName: (typeof QUESTIONS)[number], id: Hex): ReadCall => ({
  to: BATCH_SETTLEMENT,
  data: encodeFunctionData({ abi: CHANNELS_ABI, functionName, args: [id] }),
});

function stateIn([channel, withdrawal, refund]: readonly Hex[]): ChannelState {
  const abi = CHANNELS_ABI;
  const [balance, totalClaimed] = decodeFunctionResult({ abi, functionName: 'channels', data: channel as Hex });
  const [, initiatedAt] = decodeFunctionResult({ abi, functionName: 'pendingWithdrawals', data: withdrawal as Hex });
  const refundNonce = decodeFunctionResult({ abi, functionName: 'refundNonce', data: refund as Hex });
  return { balance, totalClaimed, withdrawRequestedAt: BigInt(initiatedAt), refundNonce };
}
