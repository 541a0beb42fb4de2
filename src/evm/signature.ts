import { encodeFunctionData, type Hex, keccak256, parseAbi, type PublicClient } from 'viem';
import { isRevert } from './revert';
import { type Recover, recoverPublicKey } from './secp256k1';

/** Half the order of the curve: EIP-2 allows the lower twin of `s` only, and so do the tokens. */
const HALF_ORDER = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n;
const SIGNATURE = /^0x([0-9a-fA-F]{64})([0-9a-fA-F]{64})(1b|1c|1B|1C)$/;

/**
 * The lower-case address that signed a digest, `undefined` when the signature is not one: 65 bytes, `v` 27 or 28, the
 * lower `s`. Never throws.
 */
export function recoverSigner(digest: Hex, signature: Hex, recover: Recover = recoverPublicKey): Hex | undefined {
  const [, r, s, v] = SIGNATURE.exec(signature) ?? [];
  if (r === undefined || s === undefined || v === undefined || BigInt(`0x${s}`) > HALF_ORDER) return undefined;
  try {
    const recovery = v.toLowerCase() === '1b' ? 0 : 1;
    const key = recover(Buffer.from(digest.slice(2), 'hex'), Buffer.from(r + s, 'hex'), recovery);
    return key === null ? undefined : `0x${keccak256(key.subarray(1)).slice(26)}`;
  } catch {
    return undefined;
  }
}

const ERC1271_ABI = parseAbi(['function isValidSignature(bytes32 digest, bytes signature) view returns (bytes4)']);
const VALID = '0x1626ba7e';
/** A wallet's own code runs in it: enough for a few signatures, not for a block. */
const MOST_GAS = 200_000n;

/**
 * Whether `address` signed, as a token asks it: an account with code by EIP-1271, any other by its key. Code is asked
 * for every time, since EIP-7702 can give it to any account.
 * @throws when the node does not answer.
 */
export async function isSignedBy(reader: PublicClient, address: Hex, digest: Hex, signature: Hex): Promise<boolean> {
  const code = await reader.getCode({ address });
  if (code === undefined) return recoverSigner(digest, signature) === address.toLowerCase();
  return acceptsSignature(reader, address, digest, signature);
}

/**
 * EIP-1271.
 * @throws when the node does not answer.
 */
export async function acceptsSignature(
  reader: PublicClient,
  address: Hex,
  digest: Hex,
  signature: Hex,
): Promise<boolean> {
  const data = encodeFunctionData({ abi: ERC1271_ABI, functionName: 'isValidSignature', args: [digest, signature] });
  try {
    const { data: answer } = await reader.call({ to: address, data, gas: MOST_GAS });
    return answer !== undefined && answer.length >= 66 && answer.startsWith(VALID);
  } catch (error) {
    if (isRevert(error) || /out ?of ?gas/i.test(String(error))) return false;
    throw error;
  }
}
