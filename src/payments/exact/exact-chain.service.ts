import { Inject, Injectable, Logger } from '@nestjs/common';
import { type Hex, isAddressEqual, parseEventLogs, type TransactionReceipt } from 'viem';
import { CONFIG } from '../../config/config.module';
import type { Config, X402Config } from '../../config/config';
import { EIP3009_ABI } from '../../evm/eip3009';
import { EvmClient } from '../../evm/evm.client';
import { HotWallet } from '../hot-wallet.service';
import type { Authorization } from './exact-payment';

/**
 * What the chain says of a payment. `open`: it was not sent, or cannot be mined any more as it was sent, and its
 * authorization is unused. `used`: it was spent or cancelled in another way. `unclear`: it may still land.
 */
export type ChainFinding =
  | { readonly kind: 'settled'; readonly transaction: Hex }
  | { readonly kind: 'open' }
  | { readonly kind: 'used' }
  | { readonly kind: 'unclear' };

/** Logs are asked for in a range that every node gives, and a day back on a chain with a block in two seconds. */
const LOG_BLOCKS = 2_000n;
const MAX_RANGES = 22;
const RECEIPT_TIMEOUT_MS = 30_000;

/** Asks the chain what became of an `exact` payment, whoever sent it: an authorization can be used by anybody. */
@Injectable()
export class ExactChain {
  private readonly logger = new Logger('ExactChain');

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly wallet: HotWallet,
    private readonly evm: EvmClient,
  ) {}

  /** Never throws: a chain that does not answer leaves it `unclear`. */
  async investigate(paymentId: string, authorization: Authorization): Promise<ChainFinding> {
    try {
      for (const sent of await this.wallet.sentFor(paymentId)) {
        const state = await this.wallet.stateOf(sent);
        if (state === 'mined') return { kind: 'settled', transaction: sent.hash };
        if (state === 'signed') return { kind: 'unclear' };
      }
      const used = await this.evm.public.readContract({
        address: this.x402.asset.address,
        abi: EIP3009_ABI,
        functionName: 'authorizationState',
        args: [authorization.from, authorization.nonce],
      });
      return used ? await this.useOf(paymentId, authorization) : { kind: 'open' };
    } catch (error) {
      this.logger.warn(`${paymentId}: the chain does not answer: ${String(error).split('\n')[0]}`);
      return { kind: 'unclear' };
    }
  }

  /** Whether this transaction moved the payment's money: what a hosted facilitator says is not believed unseen. */
  async confirms(transaction: Hex, authorization: Authorization): Promise<boolean> {
    const receipt = await this.evm.public.waitForTransactionReceipt({ hash: transaction, timeout: RECEIPT_TIMEOUT_MS });
    return receipt.status === 'success' && this.movesTheMoney(receipt, authorization);
  }

  private async useOf(paymentId: string, authorization: Authorization): Promise<ChainFinding> {
    const args = { authorizer: authorization.from, nonce: authorization.nonce };
    let to = await this.evm.public.getBlockNumber();
    for (let range = 0; range < MAX_RANGES && to >= 0n; range++, to -= LOG_BLOCKS) {
      const where = {
        address: this.x402.asset.address,
        abi: EIP3009_ABI,
        args,
        fromBlock: to >= LOG_BLOCKS ? to - LOG_BLOCKS + 1n : 0n,
        toBlock: to,
      };
      const [[used], [canceled]] = await Promise.all([
        this.evm.public.getContractEvents({ ...where, eventName: 'AuthorizationUsed' }),
        this.evm.public.getContractEvents({ ...where, eventName: 'AuthorizationCanceled' }),
      ]);
      if (canceled) return { kind: 'used' };
      if (used) {
        const receipt = await this.evm.public.getTransactionReceipt({ hash: used.transactionHash });
        return this.movesTheMoney(receipt, authorization)
          ? { kind: 'settled', transaction: used.transactionHash }
          : { kind: 'used' };
      }
    }
    this.logger.error(`${paymentId}: its authorization is used, and no log of the last day says by what`);
    return { kind: 'unclear' };
  }

  /** Only the use of this very authorization, by a transfer of its amount to us, counts. */
  private movesTheMoney({ logs }: TransactionReceipt, authorization: Authorization): boolean {
    const { address } = this.x402.asset;
    const ofToken = logs.filter((log) => isAddressEqual(log.address, address));
    const { from, nonce, value } = authorization;
    const used = parseEventLogs({
      abi: EIP3009_ABI,
      logs: ofToken,
      eventName: 'AuthorizationUsed',
      args: { authorizer: from, nonce },
    });
    const transfers = parseEventLogs({
      abi: EIP3009_ABI,
      logs: ofToken,
      eventName: 'Transfer',
      args: { from, to: this.x402.payTo },
    });
    return used.length > 0 && transfers.some(({ args }) => args.value === BigInt(value));
  }

  private get x402(): X402Config {
    if (!this.config.x402) throw new Error('Payments in USDC are not configured.');
    return this.config.x402;
  }
}
