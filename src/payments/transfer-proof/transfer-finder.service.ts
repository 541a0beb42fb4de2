import { Injectable } from '@nestjs/common';
import { x402ExactPermit2ProxyAddress } from '@x402/evm';
import {
  type Hex,
  isAddressEqual,
  parseEventLogs,
  type PublicClient,
  type TransactionReceipt,
  TransactionReceiptNotFoundError,
} from 'viem';
import { DatabaseService } from '../../database/database.service';
import { PERMIT2, UPTO_PERMIT2_PROXY } from '../../evm/contracts';
import { EIP3009_ABI } from '../../evm/eip3009';
import type { ChainNetwork } from '../chain/networks.service';
import type { ProofOfPayment } from './proof-of-payment';

/** One `Transfer` of the payer to us: a transaction can have several. */
export interface FoundTransfer {
  readonly logIndex: number;
  readonly atoms: bigint;
}

/**
 * What the chain says of a transaction. `authorized`: it settles a payment of another kind, which must not be shown a
 * second time as a transfer. `foreign`: none of its transfers is the payer's to us in our asset.
 */
export type TransferFinding =
  | { readonly kind: 'missing' | 'reverted' | 'authorized' | 'foreign' }
  | { readonly kind: 'unconfirmed'; readonly confirmations: number }
  /** `minedAt` in Unix seconds. */
  | { readonly kind: 'found'; readonly minedAt: number; readonly transfers: readonly FoundTransfer[] };

/** Looks up the transfer that a proof is about. */
@Injectable()
export class TransferFinder {
  constructor(private readonly database: DatabaseService) {}

  /** @throws when the chain does not answer. */
  async find(proof: ProofOfPayment, network: ChainNetwork): Promise<TransferFinding> {
    const receipt = await receiptOf(network.reader, proof.transaction);
    if (!receipt) return { kind: 'missing' };
    if (receipt.status !== 'success') return { kind: 'reverted' };
    const transfers = transfersIn(receipt, proof, network);
    if (transfers.length === 0) return { kind: 'foreign' };
    if (isAuthorized(receipt, proof, network) || (await this.isOurs(proof))) return { kind: 'authorized' };
    const [block, latest] = await Promise.all([
      network.reader.getBlock({ blockNumber: receipt.blockNumber }),
      network.reader.getBlockNumber(),
    ]);
    // Between the two questions the chain may have been reorganised.
    if (block.hash !== receipt.blockHash) return { kind: 'missing' };
    const confirmations = Number(latest - receipt.blockNumber) + 1;
    if (confirmations < network.config.confirmations) return { kind: 'unconfirmed', confirmations };
    return { kind: 'found', minedAt: Number(block.timestamp), transfers };
  }

  /** What we sent ourselves settles something that is paid for already. */
  private async isOurs({ transaction }: ProofOfPayment): Promise<boolean> {
    const rows = await this.database.query('SELECT FROM chain_transactions WHERE hash = $1', [transaction]);
    return rows.length > 0;
  }
}

async function receiptOf(reader: PublicClient, hash: Hex): Promise<TransactionReceipt | undefined> {
  try {
    return await reader.getTransactionReceipt({ hash });
  } catch (error) {
    if (error instanceof TransactionReceiptNotFoundError) return undefined;
    throw error;
  }
}

function transfersIn({ logs }: TransactionReceipt, { payer }: ProofOfPayment, { config }: ChainNetwork) {
  const ofToken = logs.filter(({ address }) => isAddressEqual(address, config.asset.address));
  const args = { from: payer, to: config.payTo };
  return parseEventLogs({ abi: EIP3009_ABI, logs: ofToken, eventName: 'Transfer', args })
    .filter((log) => log.args.value > 0n)
    .map((log): FoundTransfer => ({ logIndex: log.logIndex, atoms: log.args.value }));
}

/** By a signature that a facilitator carried to the chain (EIP-3009, Permit2), not by the payer's own transfer. */
function isAuthorized({ logs, to }: TransactionReceipt, { payer }: ProofOfPayment, { config }: ChainNetwork): boolean {
  const ofToken = logs.filter(({ address }) => isAddressEqual(address, config.asset.address));
  const args = { authorizer: payer };
  const used = parseEventLogs({ abi: EIP3009_ABI, logs: ofToken, eventName: 'AuthorizationUsed', args });
  return used.length > 0 || (to !== null && CARRIERS.some((carrier) => isAddressEqual(carrier, to)));
}

const CARRIERS = [PERMIT2, UPTO_PERMIT2_PROXY, x402ExactPermit2ProxyAddress] as const;
