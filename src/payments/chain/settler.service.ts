import { Injectable, Logger } from '@nestjs/common';
import type { Hex, TransactionReceipt } from 'viem';
import { Batcher } from '../../common/batcher';
import { isRevert } from '../../evm/revert';
import { batchSize } from './call-queue';
import type { CallOutcome, ChainCall, Happened, Unsent } from './chain-call';
import { feeOf } from './confirmed-receipt';
import { KeyPool } from './key-pool.service';
import { NetworksService } from './networks.service';
import { ReceiptsService } from './receipts.service';
import { TransactionFollower } from './transaction-follower.service';
import { TransactionSender } from './transaction-sender.service';

/** Ten blocks of Base: a caller waits for it, and a reconciler goes on where it ends. */
const WAIT_MS = 20_000;
/** A contract wallet runs its own code on our gas, and could burn a block's: four times what a transfer takes. */
const MOST_GAS_ALONE = 400_000n;
/** Estimates are exact for one state; another transaction may land in between. */
const GAS_MARGIN_PERCENT = 130n;

/** Where a call was sent: its transaction, and how many calls share it. */
interface Sent {
  readonly hash: Hex;
  readonly broadcast: Promise<void>;
  readonly calls: number;
}

/**
 * Makes calls happen on a chain: what arrives together is sent together, each with its own outcome. Every transaction is
 * written down before it is sent, may be sent again by anybody, and is mined once.
 */
@Injectable()
export class Settler {
  private readonly logger = new Logger('Settler');
  private readonly lanes = new Map<string, Batcher<ChainCall, Sent>>();

  constructor(
    private readonly networks: NetworksService,
    private readonly keys: KeyPool,
    private readonly sender: TransactionSender,
    private readonly follower: TransactionFollower,
    private readonly receipts: ReceiptsService,
  ) {}

  /** Sends a call and waits for its receipt, at most `waitMs`. Never throws: trouble of any kind is doubt. */
  async send(call: ChainCall, happened: Happened, waitMs: number = WAIT_MS): Promise<CallOutcome> {
    try {
      const sent = await this.laneOf(call).submit(call.alone === true ? await this.simulated(call) : call);
      await sent.broadcast;
      const receipt = await this.receipts.wait(call.network, sent.hash, waitMs);
      // A shared transaction that failed as a whole says nothing of its calls.
      const isUnclear = !receipt || (sent.calls > 1 && receipt.status === 'reverted');
      if (isUnclear) return { kind: 'in_doubt', transaction: sent.hash };
      return outcomeOf(receipt, happened, sent.calls);
    } catch (error) {
      if (error instanceof TooMuchGasError) return { kind: 'refused', reason: error.message };
      if (isRevert(error)) return { kind: 'refused', reason: error.shortMessage };
      this.logger.warn(`${call.reference}: ${String(error).split('\n')[0]}`);
      return { kind: 'in_doubt' };
    }
  }

  /**
   * What became of the calls that were ever sent for a reference: one that succeeded, else one that still may, else
   * how the newest ended.
   * @throws when the chain does not answer.
   */
  async outcomeOf(reference: string, happened: Happened): Promise<CallOutcome | Unsent> {
    const outcomes: CallOutcome[] = [];
    const all = await this.follower.sentFor(reference);
    for (const sent of all) {
      const state = await this.follower.stateOf(sent);
      if (state === 'signed') outcomes.push({ kind: 'in_doubt', transaction: sent.hash });
      if (state !== 'mined' && state !== 'reverted') continue;
      const receipt = await this.networks.of(sent.network).reader.getTransactionReceipt({ hash: sent.hash });
      outcomes.push(outcomeOf(receipt, happened, sent.calls));
    }
    const find = (kind: CallOutcome['kind']) => outcomes.find((outcome) => outcome.kind === kind);
    return find('succeeded') ?? find('in_doubt') ?? outcomes[0] ?? { kind: 'unsent', transaction: all[0]?.hash };
  }

  /** The newest transaction that was written down for a reference, whatever became of it. */
  async newestFor(reference: string): Promise<Hex | undefined> {
    return (await this.follower.sentFor(reference))[0]?.hash;
  }

  /** What must come from one of our keys waits for nobody else. */
  private laneOf({ network, sender }: ChainCall): Batcher<ChainCall, Sent> {
    const name = `${network} ${sender ?? ''}`;
    const lane =
      this.lanes.get(name) ??
      new Batcher<ChainCall, Sent>((calls) => this.sendTogether(network, calls), { together: batchSize });
    this.lanes.set(name, lane);
    return lane;
  }

  /** Returns once it is written down: the next one leaves while this one is broadcast and mined. */
  private async sendTogether(network: string, calls: readonly ChainCall[]): Promise<Sent[]> {
    const sent = await this.sender.send(calls);
    void sent.broadcast.then(() => this.noteWhenMined(network, sent.hash));
    return calls.map(() => ({ ...sent, calls: calls.length }));
  }

  private async noteWhenMined(network: string, hash: Hex): Promise<void> {
    const receipt = await this.receipts.wait(network, hash, WAIT_MS);
    if (receipt) await this.follower.mined(receipt);
  }

  /** @throws when the call would revert, and TooMuchGasError. */
  private async simulated(call: ChainCall): Promise<ChainCall> {
    const account = (await this.keys.pick(call.network, call.sender)).address;
    const { to, data } = call;
    const gas = await this.networks.of(call.network).reader.estimateGas({ account, to, data });
    const most = call.gas > MOST_GAS_ALONE ? call.gas : MOST_GAS_ALONE;
    if (gas > most) throw new TooMuchGasError(gas, most);
    return { ...call, gas: (gas * GAS_MARGIN_PERCENT) / 100n };
  }
}

function outcomeOf(receipt: TransactionReceipt, happened: Happened, calls: number): CallOutcome {
  const transaction = receipt.transactionHash;
  return receipt.status === 'success' && happened(receipt)
    ? { kind: 'succeeded', transaction, receipt, feeWei: feeOf(receipt) / BigInt(calls) }
    : { kind: 'reverted', transaction, reason: undefined };
}

/** The call would burn more gas than a settlement is worth. */
class TooMuchGasError extends Error {
  constructor(gas: bigint, most: bigint) {
    super(`The call needs ${gas} gas, more than ${most}.`);
    this.name = 'TooMuchGasError';
  }
}
