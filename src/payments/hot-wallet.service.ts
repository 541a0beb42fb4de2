import { Inject, Injectable, Logger } from '@nestjs/common';
import { type Address, type Hex, keccak256, TransactionReceiptNotFoundError } from 'viem';
import { type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts';
import { CONFIG } from '../config/config.module';
import type { Config } from '../config/config';
import { DatabaseService } from '../database/database.service';
import type { Tx } from '../database/tx';
import type { ChainTransaction, ChainTransactionState } from './chain-transaction';
import { EvmClient } from '../evm/evm.client';

/** Estimates are exact for one state; another settlement may land in between. */
const GAS_MARGIN_PERCENT = 130n;
const FEES_FRESH_MS = 3_000;
/** Four times what a transfer takes. A payer's contract wallet runs its own code on our gas, and could burn a block's. */
const MOST_GAS = 400_000n;

/**
 * The key that pays gas. Its nonces are counted in PostgreSQL, so that settlements at any number of replicas never
 * collide, and every transaction is on record, signed, before it is broadcast: it can be sent again for ever, and
 * be mined once.
 */
@Injectable()
export class HotWallet {
  private readonly logger = new Logger('HotWallet');
  private readonly account: PrivateKeyAccount | undefined;
  private readonly network: string;
  private fees: { at: number; maxFeePerGas: bigint; maxPriorityFeePerGas: bigint } | undefined;

  constructor(
    @Inject(CONFIG) config: Config,
    private readonly database: DatabaseService,
    private readonly evm: EvmClient,
  ) {
    const key = config.x402?.privateKey;
    this.account = key === undefined ? undefined : privateKeyToAccount(key);
    this.network = config.x402?.network ?? '';
  }

  get address(): Address {
    return this.signer.address;
  }

  /**
   * Signs, writes down, and broadcasts a call. The hash is final when this returns, whatever the node answered:
   * a broadcast that failed is repeated by `rebroadcast`.
   * @throws when the call would revert, and TooMuchGasError: then nothing was signed.
   */
  async send(call: { to: Address; data: Hex }, reference: string): Promise<Hex> {
    const gas = await this.evm.public.estimateGas({ account: this.signer.address, ...call });
    if (gas > MOST_GAS) throw new TooMuchGasError(gas);
    const fees = await this.currentFees();
    const transaction = await this.database.transaction(async (tx) => {
      const nonce = await this.takeNonce(tx);
      const raw = await this.signer.signTransaction({
        type: 'eip1559',
        chainId: this.evm.chainId,
        nonce: Number(nonce),
        gas: (gas * GAS_MARGIN_PERCENT) / 100n,
        maxFeePerGas: fees.maxFeePerGas,
        maxPriorityFeePerGas: fees.maxPriorityFeePerGas,
        ...call,
      });
      const hash = keccak256(raw);
      await tx.query(
        `INSERT INTO chain_transactions (hash, network, signer, nonce, raw, reference, state)
         VALUES ($1, $2, $3, $4, $5, $6, 'signed')`,
        [hash, this.network, this.signer.address, nonce, raw, reference],
      );
      return { hash, raw };
    });
    await this.broadcast(transaction);
    return transaction.hash;
  }

  /** What was ever sent for a reference, newest first. */
  async sentFor(reference: string): Promise<ChainTransaction[]> {
    return this.database.query<ChainTransaction>(
      'SELECT hash, raw, nonce, reference, state FROM chain_transactions WHERE reference = $1 ORDER BY nonce DESC',
      [reference],
    );
  }

  /** Every transaction whose fate is open is looked up, and sent again where the chain does not know it. In nonce order. */
  async follow(limit = 200): Promise<void> {
    const open = await this.database.query<ChainTransaction>(
      `SELECT hash, raw, nonce, reference, state FROM chain_transactions
        WHERE state = 'signed' AND network = $1 AND signer = $2 AND created_at < now() - interval '2 seconds'
        ORDER BY nonce LIMIT $3`,
      [this.network, this.signer.address, limit],
    );
    for (const transaction of open) {
      if ((await this.stateOf(transaction)) === 'signed') await this.broadcast(transaction);
    }
  }

  /** Asks the chain what became of a transaction, and writes it down. */
  async stateOf(transaction: Pick<ChainTransaction, 'hash' | 'nonce' | 'state'>): Promise<ChainTransactionState> {
    // A node that lags behind another one can make a mined transaction look dropped: only receipts are final.
    if (transaction.state === 'mined' || transaction.state === 'reverted') return transaction.state;
    const state = await this.ask(transaction);
    if (state !== transaction.state) {
      await this.database.query('UPDATE chain_transactions SET state = $2 WHERE hash = $1', [transaction.hash, state]);
    }
    return state;
  }

  private async ask({ hash, nonce }: Pick<ChainTransaction, 'hash' | 'nonce'>): Promise<ChainTransactionState> {
    const mined = await this.receiptOf(hash);
    if (mined) return mined;
    const used = await this.evm.public.getTransactionCount({ address: this.signer.address, blockTag: 'latest' });
    if (BigInt(used) <= nonce) return 'signed';
    // The nonce is used: by this transaction, mined between the two questions, or by another one.
    return (await this.receiptOf(hash)) ?? 'dropped';
  }

  private async receiptOf(hash: Hex): Promise<'mined' | 'reverted' | undefined> {
    try {
      const receipt = await this.evm.public.getTransactionReceipt({ hash });
      return receipt.status === 'success' ? 'mined' : 'reverted';
    } catch (error) {
      if (error instanceof TransactionReceiptNotFoundError) return undefined;
      throw error;
    }
  }

  private async broadcast({ raw, hash }: Pick<ChainTransaction, 'raw' | 'hash'>): Promise<void> {
    try {
      await this.evm.public.sendRawTransaction({ serializedTransaction: raw });
    } catch (error) {
      this.logger.warn(`${hash} was not accepted by the node and will be sent again: ${String(error).split('\n')[0]}`);
    }
  }

  /** The row is the lock: nonces are taken one after the other, and are taken only if the transaction is written down. */
  private async takeNonce(tx: Tx): Promise<bigint> {
    const take = () =>
      tx.query<{ nonce: bigint }>(
        'UPDATE chain_signers SET next_nonce = next_nonce + 1 WHERE network = $1 AND address = $2 RETURNING next_nonce - 1 AS nonce',
        [this.network, this.signer.address],
      );
    const [row] = await take();
    if (row) return row.nonce;
    const count = await this.evm.public.getTransactionCount({ address: this.signer.address, blockTag: 'pending' });
    await tx.query('INSERT INTO chain_signers VALUES ($1, $2, $3) ON CONFLICT DO NOTHING', [
      this.network,
      this.signer.address,
      count,
    ]);
    const [made] = await take();
    if (!made) throw new Error('The hot wallet has no row in chain_signers.');
    return made.nonce;
  }

  /** Twice the base fee outlives six full blocks; fees are asked for once in a few seconds. */
  private async currentFees() {
    if (this.fees && Date.now() - this.fees.at < FEES_FRESH_MS) return this.fees;
    const { maxFeePerGas, maxPriorityFeePerGas } = await this.evm.public.estimateFeesPerGas();
    this.fees = { at: Date.now(), maxFeePerGas: maxFeePerGas * 2n, maxPriorityFeePerGas };
    return this.fees;
  }

  private get signer(): PrivateKeyAccount {
    if (!this.account) throw new Error('EVM_PRIVATE_KEY is not configured.');
    return this.account;
  }
}

/** The call would burn more gas than a settlement is worth. */
export class TooMuchGasError extends Error {
  constructor(gas: bigint) {
    super(`The call needs ${gas} gas, more than ${MOST_GAS}.`);
    this.name = 'TooMuchGasError';
  }
}
