import type { Hex } from 'viem';
import { addressOf, objectOf, uintOf } from '../payment-envelope';

/** Permit2 `PermitWitnessTransferFrom`. Integers are decimal strings, times Unix seconds, hex in lower case. */
export interface Permit2Authorization {
  readonly from: Hex;
  readonly permitted: { readonly token: Hex; readonly amount: string };
  readonly spender: Hex;
  readonly nonce: string;
  readonly deadline: string;
  readonly witness: { readonly to: Hex; readonly facilitator: Hex; readonly validAfter: string };
}

/** An authorization as it stands in a payload; `undefined` when it is not one. */
export function permit2AuthorizationOf(value: unknown): Permit2Authorization | undefined {
  const given = objectOf(value);
  const permitted = objectOf(given?.['permitted']);
  const witness = objectOf(given?.['witness']);
  if (!given || !permitted || !witness) return undefined;
  const [from, spender] = [addressOf(given['from']), addressOf(given['spender'])];
  const [nonce, deadline] = [uintOf(given['nonce']), uintOf(given['deadline'])];
  const [token, amount] = [addressOf(permitted['token']), uintOf(permitted['amount'])];
  const [to, facilitator] = [addressOf(witness['to']), addressOf(witness['facilitator'])];
  const validAfter = uintOf(witness['validAfter']);
  if (!from || !spender || !token || !to || !facilitator) return undefined;
  if (nonce === undefined || deadline === undefined || amount === undefined || validAfter === undefined)
    return undefined;
  return { from, permitted: { token, amount }, spender, nonce, deadline, witness: { to, facilitator, validAfter } };
}
