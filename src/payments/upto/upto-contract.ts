import { encodeFunctionData, type Hex, isAddressEqual, parseEventLogs, type TransactionReceipt } from 'viem';
import { UPTO_PERMIT2_PROXY } from '../../evm/contracts';
import { EIP3009_ABI } from '../../evm/eip3009';
import type { SponsoredPermit } from '../gas-sponsoring';
import { UPTO_ABI } from './upto-abi';
import type { Permit2Authorization } from './permit2-authorization';

/** A settlement takes about 80,000; with the payer's approval before it about 60,000 more. */
const SETTLE_GAS = 160_000n;
const SETTLE_WITH_PERMIT_GAS = 220_000n;

/** The call that takes `amount` of an authorization, in atoms: from 1 to what is permitted. */
export function settleCall(
  { from, permitted, nonce, deadline, witness }: Permit2Authorization,
  signature: Hex,
  amount: bigint,
  sponsored: SponsoredPermit | undefined,
): { readonly to: Hex; readonly data: Hex; readonly gas: bigint } {
  const permit = {
    permitted: { token: permitted.token, amount: BigInt(permitted.amount) },
    nonce: BigInt(nonce),
    deadline: BigInt(deadline),
  };
  const args = [permit, amount, from, { ...witness, validAfter: BigInt(witness.validAfter) }, signature] as const;
  if (!sponsored) {
    const data = encodeFunctionData({ abi: UPTO_ABI, functionName: 'settle', args });
    return { to: UPTO_PERMIT2_PROXY, data, gas: SETTLE_GAS };
  }
  const data = encodeFunctionData({
    abi: UPTO_ABI,
    functionName: 'settleWithPermit',
    args: [permit2612Of(sponsored), ...args],
  });
  return { to: UPTO_PERMIT2_PROXY, data, gas: SETTLE_WITH_PERMIT_GAS };
}

/** Whether a settlement's transaction moved this amount of the payer's tokens to us. */
export function movedTheMoney(
  { logs }: TransactionReceipt,
  { from, permitted, witness }: Permit2Authorization,
  amount: bigint,
): boolean {
  const ofToken = logs.filter((log) => isAddressEqual(log.address, permitted.token));
  const args = { from, to: witness.to };
  const transfers = parseEventLogs({ abi: EIP3009_ABI, logs: ofToken, eventName: 'Transfer', args });
  return transfers.some((transfer) => transfer.args.value === amount);
}

/** The signature was recovered: it has 65 bytes, the last one is 27 or 28. */
function permit2612Of({ amount, deadline, signature }: SponsoredPermit) {
  const r: Hex = `0x${signature.slice(2, 66)}`;
  const s: Hex = `0x${signature.slice(66, 130)}`;
  return { value: BigInt(amount), deadline: BigInt(deadline), r, s, v: Number.parseInt(signature.slice(130), 16) };
}
