import { BlockNotFoundError, type Hex } from 'viem';
import type { ChainNetwork } from './networks.service';

/** `undefined` where the chain does not reach so far (any more). @throws when it does not answer. */
export async function hashOf({ reader }: ChainNetwork, blockNumber: bigint): Promise<Hex | undefined> {
  try {
    return (await reader.getBlock({ blockNumber })).hash;
  } catch (error) {
    if (error instanceof BlockNotFoundError) return undefined;
    throw error;
  }
}
