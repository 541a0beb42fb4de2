import { hashMessage, type Hex, type PublicClient } from 'viem';
import { isSignedBy, recoverSigner } from '../evm/signature';

/**
 * Whether a wallet signed a text: by its key (EIP-191, without asking anybody), else by its contract (EIP-1271).
 * `address` in lower case.
 * @throws when a contract has to be asked and the chain does not answer.
 */
export async function isMessageSignedBy(
  reader: PublicClient,
  address: Hex,
  text: string,
  signature: Hex,
): Promise<boolean> {
  const digest = hashMessage(text);
  return recoverSigner(digest, signature) === address || isSignedBy(reader, address, digest, signature);
}
