import { encodeFunctionData, type Hex, type Log, parseAbi, parseErc6492Signature, type TransactionReceipt } from 'viem';
import type { ChainCall, Happened } from '../chain/chain-call';
import type { PaymentRequirements } from '../payment-scheme';
import { type Authorization, lapseOf } from './exact-payment';

/** Twice what a transfer takes that is the payer's and the receiver's first one: what is not used is not paid. */
const TRANSFER_GAS = 160_000n;
/** `transferWithAuthorization(address,address,uint256,uint256,uint256,bytes32,uint8,bytes32,bytes32)` */
const WITH_KEY = '0xe3ee160e';
const WITH_BYTES_ABI = parseAbi([
  'function transferWithAuthorization(address from, address to, uint256 value, uint256 validAfter, uint256 validBefore, bytes32 nonce, bytes signature)',
]);

/** The call that moves a payment's money (EIP-3009). `alone`: the payer is a contract, whose code judges the signature. */
export function transferCall(
  reference: string,
  { network, asset }: Pick<PaymentRequirements, 'network' | 'asset'>,
  payment: { readonly authorization: Authorization; readonly signature: Hex },
  alone: boolean,
): ChainCall {
  const to = asset as Hex;
  const data = alone ? byContract(payment) : byKey(payment);
  const validUntil = lapseOf(payment.authorization);
  return { network, reference, to, data, gas: TRANSFER_GAS, validUntil, ...(alone ? { alone } : {}) };
}

// Packed by hand, as the topics below are compared: every payment passes here, and viem's coder is felt in `bench exact`.
function byKey({ authorization, signature }: { authorization: Authorization; signature: Hex }): Hex {
  const { from, to, value, validAfter, validBefore, nonce } = authorization;
  const [r, s, v] = [signature.slice(2, 66), signature.slice(66, 130), signature.slice(130)];
  const words = [word(from), word(to), uint(value), uint(validAfter), uint(validBefore), nonce.slice(2)];
  return `${WITH_KEY}${words.join('')}${v.padStart(64, '0')}${r}${s}`;
}

function byContract({ authorization, signature }: { authorization: Authorization; signature: Hex }): Hex {
  const { from, to, value, validAfter, validBefore, nonce } = authorization;
  const times = [BigInt(value), BigInt(validAfter), BigInt(validBefore)] as const;
  return encodeFunctionData({
    abi: WITH_BYTES_ABI,
    functionName: 'transferWithAuthorization',
    args: [from, to, ...times, nonce, parseErc6492Signature(signature).signature],
  });
}

const word = (address: string): string => address.slice(2).toLowerCase().padStart(64, '0');
const uint = (decimal: string): string => BigInt(decimal).toString(16).padStart(64, '0');

/**
 * Only the transfer of the amount to us that this very authorization made counts: the token logs it right behind the
 * authorization's use (FiatTokenV2 `_transferWithAuthorization`). Another transfer of the payer in the same transaction
 * pays for something else.
 */
export const movesTheMoney =
  ({ from, nonce, value }: Authorization, { asset, payTo }: Pick<PaymentRequirements, 'asset' | 'payTo'>): Happened =>
  ({ logs }: TransactionReceipt) => {
    const [payer, receiver] = [`0x${word(from)}`, `0x${word(payTo)}`];
    const token = asset.toLowerCase();
    const isOf = (log: Log | undefined, topics: readonly string[]): log is Log =>
      log !== undefined && log.address.toLowerCase() === token && topics.every((topic, at) => log.topics[at] === topic);
    return logs.some((log, index) => {
      if (!isOf(log, [AUTHORIZATION_USED, payer, nonce.toLowerCase()])) return false;
      const next = logs[index + 1];
      return isOf(next, [TRANSFER, payer, receiver]) && BigInt(next.data) === BigInt(value);
    });
  };

/** keccak256 of `AuthorizationUsed(address,bytes32)` and of `Transfer(address,address,uint256)`. */
const AUTHORIZATION_USED = '0x98de503528ee59b575ef0c0a2576a82497bfc029a5685b209e9ec333479b10a5';
const TRANSFER = '0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef';
