import type { Hex } from 'viem';
import { type SponsoredPermit, sponsoredPermitOf } from '../gas-sponsoring';
import { addressOf, bytes32Of, objectOf, signatureOf, uintOf } from '../payment-envelope';

/** What puts the payer's money into a channel, in one of the two ways of `@x402/evm`. Amounts are atoms. */
export type Deposit = Erc3009Deposit | Permit2Deposit;

/** EIP-3009 `ReceiveWithAuthorization` to its collector. Times are Unix seconds. */
export interface Erc3009Deposit {
  readonly method: 'eip3009';
  readonly amount: bigint;
  readonly validAfter: bigint;
  readonly validBefore: bigint;
  readonly salt: Hex;
  readonly signature: Hex;
}

/** Permit2 `PermitWitnessTransferFrom` to its collector, with the channel as its witness. */
export interface Permit2Deposit {
  readonly method: 'permit2';
  readonly amount: bigint;
  readonly from: Hex;
  readonly permitted: { readonly token: Hex; readonly amount: string };
  readonly spender: Hex;
  readonly nonce: string;
  /** Unix seconds. */
  readonly deadline: bigint;
  readonly channelId: Hex;
  readonly signature: Hex;
  /** The approval of Permit2 that is sent along (EIP-2612). */
  readonly permit: SponsoredPermit | undefined;
}

/** `payload.deposit`, with what else of the payment belongs to it; `undefined` when it is no deposit. */
export function depositOf(value: unknown, extensions: Readonly<Record<string, unknown>>): Deposit | undefined {
  const given = objectOf(value);
  const authorization = objectOf(given?.['authorization']);
  const amount = atomsOf(given?.['amount']);
  if (amount === undefined) return undefined;
  const [erc3009, permit2] = [authorization?.['erc3009Authorization'], authorization?.['permit2Authorization']];
  if (erc3009 !== undefined && permit2 !== undefined) return undefined;
  return permit2 === undefined ? erc3009DepositOf(erc3009, amount) : permit2DepositOf(permit2, amount, extensions);
}

function erc3009DepositOf(value: unknown, amount: bigint): Erc3009Deposit | undefined {
  const signed = objectOf(value);
  const [validAfter, validBefore] = [uintOf(signed?.['validAfter']), uintOf(signed?.['validBefore'])];
  const [salt, signature] = [bytes32Of(signed?.['salt']), signatureOf(signed?.['signature'])];
  if (!validAfter || !validBefore || !salt || !signature) return undefined;
  return {
    method: 'eip3009',
    amount,
    validAfter: BigInt(validAfter),
    validBefore: BigInt(validBefore),
    salt,
    signature,
  };
}

function permit2DepositOf(
  value: unknown,
  amount: bigint,
  extensions: Readonly<Record<string, unknown>>,
): Permit2Deposit | undefined {
  const signed = objectOf(value);
  const permitted = objectOf(signed?.['permitted']);
  const [from, spender] = [addressOf(signed?.['from']), addressOf(signed?.['spender'])];
  const [token, most] = [addressOf(permitted?.['token']), uintOf(permitted?.['amount'])];
  const [nonce, deadline] = [uintOf(signed?.['nonce']), uintOf(signed?.['deadline'])];
  const channelId = bytes32Of(objectOf(signed?.['witness'])?.['channelId']);
  const signature = signatureOf(signed?.['signature']);
  const permit = sponsoredPermitOf(extensions);
  if (!from || !spender || !token || !most || !channelId || !signature || permit === 'unreadable') return undefined;
  if (nonce === undefined || deadline === undefined) return undefined;
  return {
    method: 'permit2',
    amount,
    from,
    permitted: { token, amount: most },
    spender,
    nonce,
    deadline: BigInt(deadline),
    channelId,
    signature,
    permit,
  };
}

const MAX_UINT128 = (1n << 128n) - 1n;

/** A uint128 as a decimal string. */
export function atomsOf(value: unknown): bigint | undefined {
  const text = uintOf(value);
  return text !== undefined && BigInt(text) <= MAX_UINT128 ? BigInt(text) : undefined;
}
