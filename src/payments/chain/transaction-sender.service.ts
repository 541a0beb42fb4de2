import { Injectable, Logger } from '@nestjs/common';
import { type Hex, keccak256, parseTransaction } from 'viem';
import type { PrivateKeyAccount } from 'viem/accounts';
import { DatabaseService } from '../../database/database.service';
import type { Tx } from '../../database/tx';
import { transactionOf } from './aggregate';
import type { ChainCall } from './chain-call';
import type { ChainTransaction } from './chain-transaction';
import { KeyPool } from './key-pool.service';
import { type ChainNetwork, NetworksService } from './networks.service';

const FEES_FRESH_MS = 3_000;

interface Fees {
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
    private readonly database: DatabaseService,
    private readonly networks: NetworksService,
    private readonly keys: KeyPool,
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
    const transaction = await this.database.transaction(async (tx) => {
      const nonce = await this.takeNonce(tx, network, key);
      const raw = await key.signTransaction({ ...call, nonce: Number(nonce) });
      const hash = keccak256(raw);
      await tx.query(
        `WITH written AS (
           INSERT INTO chain_transactions (hash, network, signer, nonce, raw, state)
           VALUES ($1, $2, $3, $4, $5, 'signed')
         )
         INSERT INTO chain_calls (transaction, position, reference)
         SELECT $1, position - 1, reference FROM unnest($6::text[]) WITH ORDINALITY AS call (reference, position)`,
        [hash, id, key.address, nonce, raw, calls.map(({ reference }) => reference)],
      );
      return { hash, raw };
    });
    return { hash: transaction.hash, broadcast: this.broadcast(network, transaction) };
  }

  /**
   * Sends a transaction again that has waited for long. Where the chain's fee has grown beyond what it pays, another one
   * takes its place: the same nonce and calls at the fee of now, so that one of the two is mined. Nodes take a
   * replacement for at least 10 % more. Whatever else it waits for, a higher fee would not help.
   */
  async replace(stuck: ChainTransaction): Promise<void> {
    const network = this.networks.of(stuck.network);
    const { to, data, gas, maxFeePerGas = 0n, maxPriorityFeePerGas = 0n } = parseTransaction(stuck.raw);
    const { baseFeePerGas } = await network.reader.getBlock();
    const now = await feesOf(network);
    const fees = {
      maxFeePerGas: larger(raised(maxFeePerGas), now.maxFeePerGas),
      maxPriorityFeePerGas: larger(raised(maxPriorityFeePerGas), now.maxPriorityFeePerGas),
    };
    const most = network.config.gas.maxFeeWei ?? fees.maxFeePerGas;
    const isOutbid = baseFeePerGas !== null && baseFeePerGas > maxFeePerGas;
    if (!isOutbid || !to || !data || !gas || fees.maxFeePerGas > most) return this.broadcast(network, stuck);
    const nonce = Number(stuck.nonce);
    const key = await this.keys.pick(stuck.network, stuck.signer);
    const raw = await key.signTransaction({ type: 'eip1559', chainId: network.chainId, nonce, to, data, gas, ...fees });
    const hash = keccak256(raw);
    await this.database.query(
      `WITH written AS (
         INSERT INTO chain_transactions (hash, network, signer, nonce, raw, state)
         VALUES ($1, $2, $3, $4, $5, 'signed') ON CONFLICT DO NOTHING
       )
       INSERT INTO chain_calls (transaction, position, reference)
       SELECT $1, position, reference FROM chain_calls WHERE transaction = $6 ON CONFLICT DO NOTHING`,
      [hash, stuck.network, stuck.signer, stuck.nonce, raw, stuck.hash],
    );
    this.logger.warn(`${stuck.hash} is stuck and is replaced by ${hash}`);
    await this.broadcast(network, { hash, raw });
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

  /** The row is the lock: nonces are taken one after the other, and are taken only if the transaction is written down. */
  private async takeNonce(tx: Tx, network: ChainNetwork, { address }: PrivateKeyAccount): Promise<bigint> {
    const take = () =>
      tx.query<{ nonce: bigint }>(
        'UPDATE chain_signers SET next_nonce = next_nonce + 1 WHERE network = $1 AND address = $2 RETURNING next_nonce - 1 AS nonce',
        [network.id, address],
      );
    const [row] = await take();
    if (row) return row.nonce;
    const count = await network.reader.getTransactionCount({ address, blockTag: 'pending' });
    await tx.query('INSERT INTO chain_signers VALUES ($1, $2, $3) ON CONFLICT DO NOTHING', [
      network.id,
      address,
      count,
    ]);
    const [made] = await take();
    if (!made) throw new Error(`${address} has no row in chain_signers.`);
    return made.nonce;
  }

  /** Twice the base fee outlives six full blocks; fees are asked for once in a few seconds. */
  private currentFees(network: ChainNetwork): Promise<Fees> {
    const known = this.fees.get(network.id);
    if (known && Date.now() - known.at < FEES_FRESH_MS) return known.fees;
    const fees = feesOf(network);
    this.fees.set(network.id, { at: Date.now(), fees });
    fees.catch(() => this.fees.delete(network.id));
    return fees;
  }
}

async function feesOf({ reader, config }: ChainNetwork): Promise<Fees> {
  const { maxFeePerGas, maxPriorityFeePerGas } = await reader.estimateFeesPerGas();
  const most = config.gas.maxFeeWei;
  const doubled = maxFeePerGas * 2n;
  const allowed = most !== undefined && doubled > most ? most : doubled;
  return {
    maxFeePerGas: allowed,
    maxPriorityFeePerGas: maxPriorityFeePerGas < allowed ? maxPriorityFeePerGas : allowed,
  };
}

const raised = (fee: bigint): bigint => (fee * 125n) / 100n + 1n;
const larger = (a: bigint, b: bigint): bigint => (a > b ? a : b);
