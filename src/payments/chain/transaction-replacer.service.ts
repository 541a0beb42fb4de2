import { Injectable, Logger } from '@nestjs/common';
import { type Hex, keccak256, parseTransaction } from 'viem';
import { DatabaseService } from '../../database/database.service';
import type { ChainTransaction } from './chain-transaction';
import { KeyPool } from './key-pool.service';
import { type ChainNetwork, NetworksService } from './networks.service';
import { type Fees, feesOf, TransactionSender } from './transaction-sender.service';

/** What a transfer of nothing takes, on every chain. */
const TRANSFER_GAS = 21_000n;

/** What a transaction does, apart from who sends it, when, and at which price. */
interface Content {
  readonly to: Hex;
  readonly data: Hex;
  readonly gas: bigint;
}

/** Puts another transaction in the place of one that waits: the same key and nonce, so that one of the two is mined. */
@Injectable()
export class TransactionReplacer {
  private readonly logger = new Logger('TransactionReplacer');

  constructor(
    private readonly database: DatabaseService,
    private readonly networks: NetworksService,
    private readonly keys: KeyPool,
    private readonly sender: TransactionSender,
  ) {}

  /**
   * Sends a transaction again that has waited for long. Where the chain's fee has grown beyond what it pays, another one
   * with the same calls takes its place at the fee of now. Whatever else it waits for, a higher fee would not help.
   */
  async replace(stuck: ChainTransaction): Promise<void> {
    const network = this.networks.of(stuck.network);
    const { to, data = '0x', gas, maxFeePerGas = 0n } = parseTransaction(stuck.raw);
    const { baseFeePerGas } = await network.reader.getBlock();
    const isOutbid = baseFeePerGas !== null && baseFeePerGas > maxFeePerGas;
    const fees = isOutbid ? await this.feesAbove(network, stuck) : undefined;
    if (!fees || !to || !gas) return this.sender.broadcast(network, stuck);
    await this.put(network, stuck, { to, data, gas }, fees);
  }

  /**
   * Nobody wants what it does any more: a transfer of nothing to ourselves takes its place, which is cheaper than to have
   * it revert, and keeps those behind it from waiting. Where the fee may not be raised, it is only sent again.
   */
  async cancel(lapsed: ChainTransaction): Promise<void> {
    const network = this.networks.of(lapsed.network);
    const fees = await this.feesAbove(network, lapsed);
    if (!fees) return this.sender.broadcast(network, lapsed);
    await this.put(network, lapsed, { to: lapsed.signer, data: '0x', gas: TRANSFER_GAS }, fees);
  }

  /** Nodes take a replacement for at least 10 % more. `undefined` where that is more than the operator pays. */
  private async feesAbove(network: ChainNetwork, { raw }: ChainTransaction): Promise<Fees | undefined> {
    const { maxFeePerGas = 0n, maxPriorityFeePerGas = 0n } = parseTransaction(raw);
    const now = await feesOf(network);
    const fees = {
      maxFeePerGas: larger(raised(maxFeePerGas), now.maxFeePerGas),
      maxPriorityFeePerGas: larger(raised(maxPriorityFeePerGas), now.maxPriorityFeePerGas),
    };
    const { maxFeeWei } = network.config.gas;
    return maxFeeWei !== undefined && fees.maxFeePerGas > maxFeeWei ? undefined : fees;
  }

  private async put(network: ChainNetwork, old: ChainTransaction, content: Content, fees: Fees): Promise<void> {
    const { chainId } = network;
    const key = await this.keys.pick(old.network, old.signer);
    const nonce = Number(old.nonce);
    const raw = await key.signTransaction({ type: 'eip1559', chainId, nonce, ...content, ...fees });
    const hash = keccak256(raw);
    // A transfer of nothing carries no calls: that of the old one are over with it.
    await this.database.query(
      `WITH written AS (
         INSERT INTO chain_transactions (hash, network, signer, nonce, raw, state, valid_until)
         VALUES ($1, $2, $3, $4, $5, 'signed', CASE WHEN $7 THEN (
           SELECT valid_until FROM chain_transactions WHERE hash = $6) END) ON CONFLICT DO NOTHING
       )
       INSERT INTO chain_calls (transaction, position, reference)
       SELECT $1, position, reference FROM chain_calls WHERE transaction = $6 AND $7 ON CONFLICT DO NOTHING`,
      [hash, old.network, old.signer, old.nonce, raw, old.hash, content.data !== '0x'],
    );
    this.logger.warn(`${old.hash} is ${content.data === '0x' ? 'not wanted any more' : 'stuck'}: ${hash} replaces it`);
    await this.sender.broadcast(network, { hash, raw });
  }
}

const raised = (fee: bigint): bigint => (fee * 125n) / 100n + 1n;
const larger = (a: bigint, b: bigint): bigint => (a > b ? a : b);
