import { createHash } from 'node:crypto';
import { type Hex, parseErc6492Signature } from 'viem';
import {
  addressOf,
  bytes32Of,
  envelopeFor,
  objectOf,
  type PaymentEnvelope,
  sameAddress,
  signatureOf,
  uintOf,
  type UnreadablePayment,
  unreadablePayload,
} from '../payment-envelope';
import { latestEnd } from '../payment-requirements';
import { v1NetworkOf } from '../payment-required';
import type { PaymentPayload, PaymentRequirements, RequestHeaders } from '../payment-scheme';
import type { Refusal } from '../refusal';

/** A transfer that its payer signed (EIP-3009), as `exact` on EVM carries it in x402 v1 and v2. */
export interface ExactPayment extends PaymentPayload {
  readonly version: 1 | 2;
  readonly authorization: Authorization;
  readonly signature: `0x${string}`;
  readonly accepted: PaymentEnvelope['accepted'];
}

/** EIP-3009 `TransferWithAuthorization`. Integers are decimal strings; times are Unix seconds. */
export interface Authorization {
  readonly from: `0x${string}`;
  readonly to: `0x${string}`;
  readonly value: string;
  readonly validAfter: string;
  readonly validBefore: string;
  readonly nonce: `0x${string}`;
}

/** When it lapses, as far as a calendar reaches. */
export function lapseOf({ validBefore }: Authorization): Date {
  return new Date(Math.min(Number(validBefore) * 1000, LAST_INSTANT));
}

/** 31 December 9999 in Unix milliseconds: authorizations may be valid for much longer. */
const LAST_INSTANT = 253_402_214_400_000;

/** The payment of a request that names `exact`; `undefined` when it carries none. Never throws. */
export function findExactPayment(headers: RequestHeaders): ExactPayment | UnreadablePayment | undefined {
  const envelope = envelopeFor('exact', headers);
  if (!envelope) return undefined;
  const { version, accepted, payload } = envelope;
  const authorization = readAuthorization(payload['authorization']);
  if (!authorization) {
    return unreadablePayload('exact', version, 'payload.authorization is not an EIP-3009 authorization');
  }
  const signature = wrappedSignatureOf(payload['signature']);
  if (!signature) return unreadablePayload('exact', version, 'payload.signature is not the hex of a signature');
  return { scheme: 'exact', version, authorization, signature, accepted };
}

/** Why the payment does not answer what was asked for, before anybody is asked about its signature. */
export function mismatchOf(
  payment: ExactPayment,
  required: PaymentRequirements,
  now: number = Math.floor(Date.now() / 1000),
): Refusal | undefined {
  const { accepted, authorization } = payment;
  const network = payment.version === 1 ? v1NetworkOf(required.network) : required.network;
  if (accepted.network !== network) return unacceptable('invalid_network', 'The payment is for another network.');
  if (accepted.asset !== undefined && !sameAddress(accepted.asset, required.asset)) {
    return unacceptable('invalid_payment_requirements', 'The payment is in another asset.');
  }
  if (!sameAddress(authorization.to, required.payTo)) {
    return unacceptable('invalid_exact_evm_payload_recipient_mismatch', 'The payment goes to somebody else.');
  }
  if (authorization.value !== required.amount || (accepted.amount ?? required.amount) !== required.amount) {
    const detail = `The payment is over ${authorization.value} atoms, the call needs ${required.amount}.`;
    return unacceptable('invalid_exact_evm_payload_authorization_value_mismatch', detail);
  }
  if (BigInt(authorization.validBefore) > latestEnd(required, now)) {
    const detail = `The payment is valid until ${authorization.validBefore}, at most ${latestEnd(required, now)} is taken.`;
    return unacceptable('invalid_exact_evm_payload_authorization_valid_before', detail);
  }
  return undefined;
}

/** What identifies a payment for ever: an EIP-3009 nonce is used once per payer and token. */
export const paymentIdOf = (network: string, asset: string, from: string, nonce: string): string =>
  `exact:${network}:${asset}:${from}:${nonce}`.toLowerCase();

/** Binds a payment to the request that it came with, and to the very signature: a forged copy is another payment. */
export const boundTo = (payment: ExactPayment, requestFingerprint: string): string =>
  createHash('sha256').update(`${requestFingerprint}\n${payment.signature.toLowerCase()}`).digest('base64url');

/** The payment as x402 v2 carries it: v1 differs in its envelope alone. */
export const toVersion2 = (
  payment: Pick<ExactPayment, 'authorization' | 'signature'>,
  required: PaymentRequirements,
) => ({
  x402Version: 2,
  accepted: required,
  payload: { authorization: payment.authorization, signature: payment.signature },
});

export const refusedPayment = (code: string, detail?: string): Refusal =>
  unacceptable(code, detail ?? `The payment was not accepted: ${code.replaceAll('_', ' ')}.`);

function unacceptable(code: string, detail: string): Refusal {
  return { status: 402, code, detail, hint: 'Nothing was taken. Pay what PAYMENT-REQUIRED asks for.' };
}

/** 65 bytes, what a contract wallet made up, or that wrapped by ERC-6492, whose wrapping must be whole. */
function wrappedSignatureOf(value: unknown): Hex | undefined {
  const signature = signatureOf(value);
  if (!signature) return undefined;
  try {
    parseErc6492Signature(signature);
    return signature;
  } catch {
    return undefined;
  }
}

function readAuthorization(value: unknown): Authorization | undefined {
  const given = objectOf(value) ?? {};
  const [from, to, nonce] = [addressOf(given['from']), addressOf(given['to']), bytes32Of(given['nonce'])];
  const [amount, validAfter] = [uintOf(given['value']), uintOf(given['validAfter'])];
  const validBefore = uintOf(given['validBefore']);
  if (!from || !to || !nonce || amount === undefined || validAfter === undefined || validBefore === undefined) {
    return undefined;
  }
  return { from, to, value: amount, validAfter, validBefore, nonce };
}
