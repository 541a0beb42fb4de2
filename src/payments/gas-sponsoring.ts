import type { Hex } from 'viem';
import { PERMIT2 } from '../evm/contracts';
import { recoverSigner } from '../evm/signature';
import { permitDigest, type TokenDomain } from '../evm/typed-digest';
import { addressOf, objectOf, sameAddress, signatureOf, uintOf } from './payment-envelope';
import type { Refusal } from './refusal';

/** An EIP-2612 permit by which the payer lets Permit2 move its tokens. Integers are decimal strings. */
export interface SponsoredPermit {
  readonly from: Hex;
  readonly asset: Hex;
  readonly spender: Hex;
  readonly amount: string;
  readonly nonce: string;
  readonly deadline: string;
  readonly signature: Hex;
}

/** The extension by which a payer without ETH has its approval of Permit2 sent by us (x402 `upto` on EVM). */
const KEY = 'eip2612GasSponsoring';

/** What a 402 says of it: clients ask for its presence alone. */
export const GAS_SPONSORING: Readonly<Record<string, unknown>> = { [KEY]: { info: { version: '1' } } };

/** The permit among a payment's extensions; `undefined` when there is none, as in one that only echoes ours. */
export function sponsoredPermitOf(
  extensions: Readonly<Record<string, unknown>>,
): SponsoredPermit | 'unreadable' | undefined {
  const info = objectOf(objectOf(extensions[KEY])?.['info']);
  if (info?.['signature'] === undefined) return undefined;
  const [from, asset, spender] = [addressOf(info['from']), addressOf(info['asset']), addressOf(info['spender'])];
  const [amount, nonce, deadline] = [uintOf(info['amount']), uintOf(info['nonce']), uintOf(info['deadline'])];
  const signature = signatureOf(info['signature']);
  if (!from || !asset || !spender || !signature) return 'unreadable';
  if (amount === undefined || nonce === undefined || deadline === undefined) return 'unreadable';
  return { from, asset, spender, amount, nonce, deadline, signature };
}

/** What Permit2 is to move: of whom, and how much of which token in atoms. */
interface PermittedTransfer {
  readonly from: Hex;
  readonly permitted: { readonly token: Hex; readonly amount: string };
}

/** Six seconds are what a settlement needs at least. */
const LEAST_SECONDS = 6;

/**
 * Why a permit does not give Permit2 what this payment takes, with the reasons of `@x402/evm` where it has one.
 * `nonce`: the payer's next one at the token.
 */
export function permitFaultOf(
  permit: SponsoredPermit,
  { from, permitted }: PermittedTransfer,
  nonce: bigint,
  token: TokenDomain,
  now: number = Math.floor(Date.now() / 1000),
): Refusal | undefined {
  if (!sameAddress(permit.from, from)) return faulty('eip2612_from_mismatch', 'is by somebody else');
  if (!sameAddress(permit.asset, permitted.token)) return faulty('eip2612_asset_mismatch', 'is for another token');
  if (!sameAddress(permit.spender, PERMIT2)) return faulty('eip2612_spender_not_permit2', 'is not for Permit2');
  // The proxy takes a permit over exactly what the payment is over.
  if (BigInt(permit.amount) !== BigInt(permitted.amount)) {
    return faulty('permit2_2612_amount_mismatch', 'is over another amount');
  }
  if (BigInt(permit.deadline) < BigInt(now + LEAST_SECONDS)) return faulty('eip2612_deadline_expired', 'has lapsed');
  if (BigInt(permit.nonce) !== nonce) return faulty('eip2612_invalid_nonce', `must have the nonce ${nonce}`);
  const { amount: value, deadline } = permit;
  const digest = permitDigest(token, { owner: from, spender: PERMIT2, value, nonce, deadline });
  if (recoverSigner(digest, permit.signature) !== from)
    return faulty('eip2612_invalid_signature', 'is not signed by it');
  return undefined;
}

const faulty = (code: string, what: string): Refusal => ({
  status: 402,
  code,
  detail: `The EIP-2612 permit that came with the payment ${what}.`,
  hint: 'Sign one for Permit2 over the amount of the payment, or approve Permit2 by a transaction of your own.',
});
