import { type Hex, type TransactionReceipt, TransactionReceiptNotFoundError } from 'viem';
import type { ChainNetwork } from './networks.service';

/**
 * A transaction's receipt once it has the network's confirmations. Until then `'unconfirmed'`: a reorganisation may still
 * take it; `undefined` when it is in no block.
 * @throws when the chain does not answer.
 */
export async function confirmedReceipt(
  { reader, config }: ChainNetwork,
  hash: Hex,
): Promise<TransactionReceipt | 'unconfirmed' | undefined> {
  try {
    const receipt = await reader.getTransactionReceipt({ hash });
    if (config.confirmations === 1) return receipt;
    const latest = await reader.getBlockNumber({ cacheTime: 0 });
    return latest - receipt.blockNumber + 1n >= BigInt(config.confirmations) ? receipt : 'unconfirmed';
  } catch (error) {
    if (error instanceof TransactionReceiptNotFoundError) return undefined;
    throw error;
  }
}

/** The newest block that no reorganisation takes any more, by the network's confirmations. */
export async function finalBlock({ reader, config }: ChainNetwork): Promise<bigint> {
  const final = (await reader.getBlockNumber({ cacheTime: 0 })) - BigInt(config.confirmations - 1);
  return final < 0n ? 0n : final;
}

/**
 * The chain's own time, in Unix seconds, as of the newest block that no reorganisation takes any more: whatever is
 * valid only until then, and is unspent when asked about afterwards, can never be mined.
 * @throws when the chain does not answer.
 */
export async function finalInstant(network: ChainNetwork): Promise<bigint> {
  return (await network.reader.getBlock({ blockNumber: await finalBlock(network) })).timestamp;
}

/** What a transaction cost, in wei. Rollups charge for their data on the chain below as well (OP stack: `l1Fee`). */
export function feeOf(receipt: TransactionReceipt & { readonly l1Fee?: Hex }): bigint {
  return receipt.gasUsed * receipt.effectiveGasPrice + BigInt(receipt.l1Fee ?? 0);
}
