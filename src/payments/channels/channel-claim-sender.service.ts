import { Injectable, Logger } from '@nestjs/common';
import type { Hex, TransactionReceipt } from 'viem';
import { BATCH_SETTLEMENT } from '../../evm/contracts';
import { isRevert, revertReason } from '../../evm/revert';
import type { CallOutcome } from '../chain/chain-call';
import { NetworksService } from '../chain/networks.service';
import { Settler } from '../chain/settler.service';
import { ChannelAuthorizers } from './channel-authorizers.service';
import { ChannelChain } from './channel-chain.service';
import { type ChannelClaim, referenceOf } from './channel-claim';
import { ChannelClaims } from './channel-claims.service';
import { CHANNELS_ABI, claimAndSettleCall, settledIn, type VoucherClaim } from './channel-contract';
import { ChannelSettlements } from './channel-settlements.service';
import { claimGasLimit } from './claim-policy';

/**
 * Sends claims that are written down, and finds out what became of them: each safe to repeat, because a claim names
 * totals, and a total that was claimed before moves nothing.
 */
@Injectable()
export class ChannelClaimSender {
  private readonly logger = new Logger('ChannelClaimSender');

  constructor(
    private readonly networks: NetworksService,
    private readonly settler: Settler,
    private readonly authorizers: ChannelAuthorizers,
    private readonly chain: ChannelChain,
    private readonly claims: ChannelClaims,
    private readonly settlements: ChannelSettlements,
  ) {}

  /** Never throws: what is not finished here is taken over. */
  async send(claim: ChannelClaim): Promise<void> {
    try {
      await this.finish(claim, await this.outcomeOf(claim));
    } catch (error) {
      this.logger.warn(`${referenceOf(claim)} is left for later: ${String(error).split('\n')[0]}`);
    }
  }

  /** A claim whose worker died: what it sent may have landed, and what it did not send is sent. Never throws. */
  async finishLeft(claim: ChannelClaim): Promise<void> {
    try {
      const before = await this.settler.outcomeOf(referenceOf(claim), happened(claim));
      if (before.kind === 'in_doubt') return;
      await this.finish(claim, before.kind === 'unsent' ? await this.outcomeOf(claim) : before);
    } catch (error) {
      this.logger.warn(`${referenceOf(claim)} is left for later: ${String(error).split('\n')[0]}`);
    }
  }

  private async outcomeOf(claim: ChannelClaim): Promise<CallOutcome> {
    const { network, claims } = claim;
    // Whoever saw the claim on its way can have sent it first.
    if (isClaimed(claim, await this.claimedOf(claim))) return { kind: 'refused', reason: 'claimed before' };
    const data = claimAndSettleCall(claims, await this.authorizers.signClaims(network, claims));
    // One voucher that the chain does not take would burn the gas of all.
    const fault = await this.faultOf(network, data);
    if (fault !== undefined) return { kind: 'refused', reason: fault };
    const gas = claimGasLimit(claims.length);
    return this.settler.send(
      { network, reference: referenceOf(claim), to: BATCH_SETTLEMENT, data, gas },
      happened(claim),
    );
  }

  /** What the chain says counts, not what was asked for: other calls may share the transaction, and its logs. */
  private async finish(claim: ChannelClaim, outcome: CallOutcome): Promise<void> {
    const { network, claims } = claim;
    if (outcome.kind === 'in_doubt') return;
    const transaction = outcome.kind === 'refused' ? undefined : outcome.transaction;
    if (outcome.kind === 'succeeded') {
      const { receiver, token } = (claims[0] as VoucherClaim).config;
      await this.settlements.book(network, outcome.receipt.logs, receiver, token);
    }
    const claimed = await this.claimedOf(claim);
    if (isClaimed(claim, claimed)) {
      return this.claims.close(claim, { state: 'settled', transaction, reason: undefined, claimed, faulty: new Map() });
    }
    const reason = outcome.kind === 'succeeded' ? 'not claimed' : (outcome.reason ?? 'reverted');
    const faulty = await this.faultyIn(claim, reason);
    this.logger.warn(`${referenceOf(claim)}: ${reason} ${[...faulty.keys()].join(', ')}`);
    await this.claims.close(claim, { state: 'failed', transaction, reason, claimed, faulty });
  }

  private async claimedOf({ network, claims }: ChannelClaim): Promise<bigint[]> {
    const ids = claims.map(({ channelId }) => channelId);
    return (await this.chain.statesOf(network, ids)).map(({ totalClaimed }) => totalClaimed);
  }

  /**
   * The channels that no transaction takes, each with why: from now on they are claimed alone, and seldom. Where each would
   * be taken, and all together were not, all of them are.
   */
  private async faultyIn({ network, claims }: ChannelClaim, reason: string): Promise<Map<Hex, string>> {
    const faulty = new Map<Hex, string>();
    for (const claim of claims) {
      const data = claimAndSettleCall([claim], await this.authorizers.signClaims(network, [claim]));
      const fault = await this.faultOf(network, data);
      if (fault !== undefined) faulty.set(claim.channelId, fault);
    }
    return faulty.size > 0 ? faulty : new Map(claims.map(({ channelId }) => [channelId, reason]));
  }

  /** Why the contract would not take it; `undefined` when it would. @throws when the node does not answer. */
  private async faultOf(network: string, data: Hex): Promise<string | undefined> {
    try {
      await this.networks.of(network).reader.call({ to: BATCH_SETTLEMENT, data });
      return undefined;
    } catch (error) {
      if (isRevert(error)) return revertReason(error, CHANNELS_ABI);
      throw error;
    }
  }
}

const isClaimed = ({ claims }: ChannelClaim, claimed: readonly bigint[]): boolean =>
  claims.every(({ totalClaimed }, index) => totalClaimed <= (claimed[index] as bigint));

/** A transfer to the receiver is in it: a claim in which everything was claimed before moves nothing. */
const happened =
  ({ claims }: ChannelClaim) =>
  ({ logs }: TransactionReceipt): boolean => {
    const { receiver, token } = (claims[0] as VoucherClaim).config;
    return settledIn(logs, receiver, token).length > 0;
  };
