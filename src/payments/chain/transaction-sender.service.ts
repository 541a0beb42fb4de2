import { Injectable, Logger } from '@nestjs/common';
import { type Hex, keccak256 } from 'viem';
import { transactionOf } from './aggregate';
import type { ChainCall } from './chain-call';
import type { ChainTransaction } from './chain-transaction';
import { KeyPool } from './key-pool.service';
import { type ChainNetwork, NetworksService } from './networks.service';
import { TransactionRecords } from './transaction-records.service';

const FEES_FRESH_MS = 3_000;

/** In wei for a unit of gas. */
export interface Fees {
  readonly maxFeePerGas: bigint;
  readonly maxPriorityFeePerGas: bigint;
}

/**
 * Signs with the keys that pay gas. Nonces are counted in PostgreSQL, so that replicas never collide, and every
 * transaction is on record before it is broadcast: it can be sent again for ever, and be mined once.
 */
@Injectable()
export class TransactionSender {
  private readonly logger = new Logger('TransactionSender');
  private readonly fees = new Map<string, { at: number; fees: Promise<Fees> }>();

  constructor(
    private readonly networks: NetworksService,
    private readonly keys: KeyPool,
    private readonly records: TransactionRecords,
  ) {}

  /**
   * Puts the calls, all of one network, into one transaction: signs it, writes it down, and broadcasts it. The hash is
   * final when this returns, whatever a node answered: a broadcast that failed is repeated by the follower.
   * @throws when nothing was broadcast. It may be on record all the same, if the commit's answer was lost.
   */
  async send(calls: readonly ChainCall[]): Promise<{ hash: Hex; broadcast: Promise<void> }> {
    const [{ network: id, sender }] = calls as [ChainCall];
    const network = this.networks.of(id);
    const key = await this.keys.pick(id, sender);
    const fees = await this.currentFees(network);
    const call = { type: 'eip1559', chainId: network.chainId, ...transactionOf(calls), ...fees } as const;
    for (;;) {
      const nonce = await this.records.nextNonce(network, key.address);
      const raw = await key.signTransaction({ ...call, nonce: Number(nonce) });
      const transaction = { hash: keccak256(raw), network: id, signer: key.address, nonce, raw };
      if (!(await this.records.write(transaction, calls))) continue;
      return { hash: transaction.hash, broadcast: this.broadcast(network, transaction) };
    }
  }

  /**
   * Tells every node of the network, and returns when one has taken it: one that is away keeps nobody waiting. Never
   * throws: what no node takes is sent again.
   */
  async broadcast({ nodes }: ChainNetwork, { raw, hash }: Pick<ChainTransaction, 'raw' | 'hash'>): Promise<void> {
    const told = nodes.each.map((node) => node.request({ method: 'eth_sendRawTransaction', params: [raw] }));
    try {
      await Promise.any(told);
    } catch (error) {
      const [first] = (error as AggregateError).errors;
      this.logger.warn(`${hash} was taken by no node and will be sent again: ${String(first).split('\n')[0]}`);
    }
  }

  /** Asked for once in a few seconds. */
  private currentFees(network: ChainNetwork): Promise<Fees> {
    const known = this.fees.get(network.id);
    if (known && Date.now() - known.at < FEES_FRESH_MS) return known.fees;
    const fees = feesOf(network);
    this.fees.set(network.id, { at: Date.now(), fees });
    fees.catch(() => this.fees.delete(network.id));
    return fees;
  }
}

/** Twice the base fee outlives six full blocks; at most what the operator pays. @throws when the chain does not answer. */
export async function feesOf({ reader, config }: ChainNetwork): Promise<Fees> {
  const { maxFeePerGas, maxPriorityFeePerGas } = await reader.estimateFeesPerGas();
  const most = config.gas.maxFeeWei;
  const doubled = maxFeePerGas * 2n;
  const allowed = most !== undefined && doubled > most ? most : doubled;
  return {
    maxFeePerGas: allowed,
    maxPriorityFeePerGas: maxPriorityFeePerGas < allowed ? maxPriorityFeePerGas : allowed,
  };
}
