import { decodeFunctionResult, encodeFunctionData, erc20Abi, type Hex } from 'viem';
import { readMany } from '../../evm/read-many';
import type { ChainNetwork } from '../chain/networks.service';

/**
 * What these addresses have together of the network's token, as of one block, in atoms.
 * @throws when the node does not answer, or does not know that block's state any more.
 */
export async function balanceOf(
  { reader, config }: ChainNetwork,
  addresses: readonly string[],
  blockNumber: bigint,
): Promise<bigint> {
  const calls = addresses.map((address) => ({
    to: config.asset.address,
    data: encodeFunctionData({ abi: erc20Abi, functionName: 'balanceOf', args: [address as Hex] }),
  }));
  const answers = await readMany(reader, calls, blockNumber);
  return answers.reduce((sum, answer) => {
    if (!answer.ok) throw new Error(`${config.asset.address} on ${config.id} does not answer as a token.`);
    return sum + decodeFunctionResult({ abi: erc20Abi, functionName: 'balanceOf', data: answer.data });
  }, 0n);
}
