import { decodePaymentSignatureHeader } from '@x402/core/http';
import { createHash } from 'node:crypto';
import { type Hex, maxUint256, parseErc6492Signature } from 'viem';
import { v1NetworkOf } from '../payment-required';
import type { PaymentPayload, PaymentRequirements, RequestHeaders } from '../payment-scheme';
import { malformedPayment, type Refusal } from '../refusal';

/** A transfer that its payer signed (EIP-3009), as `exact` on EVM carries it in x402 v1 and v2. */
export interface ExactPayment extends PaymentPayload {
  readonly version: 1 | 2;
  readonly authorization: Authorization;
  readonly signature: `0x${string}`;
  /** What the payer says it accepted; v1 names scheme and network only. */
  readonly accepted: { readonly scheme: string; readonly network: string } & Partial<PaymentRequirements>;
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

/** A header that is there and cannot be read is a payment too: one that is refused. */
export interface UnreadablePayment extends PaymentPayload {
  readonly refusal: Refusal;
}

/** The x402 payment of a request, v2 (`PAYMENT-SIGNATURE`) before v1 (`X-PAYMENT`). Never throws. */
export function findExactPayment(headers: RequestHeaders): ExactPayment | UnreadablePayment | undefined {
  const [v2, v1] = [headers['payment-signature'], headers['x-payment']];
  if (typeof v2 === 'string') return read('PAYMENT-SIGNATURE', v2, 2);
  if (typeof v1 === 'string') return read('X-PAYMENT', v1, 1);
  return undefined;
}

/** Why the payment does not answer what was asked for, before anybody is asked about its signature. */
export function mismatchOf(payment: ExactPayment, required: PaymentRequirements): Refusal | undefined {
  const { accepted, authorization } = payment;
  const network = payment.version === 1 ? v1NetworkOf(required.network) : required.network;
  if (accepted.scheme !== required.scheme) return unacceptable('unsupported_scheme', 'The scheme is not offered here.');
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

function read(header: string, value: string, version: 1 | 2): ExactPayment | UnreadablePayment {
  const unreadable = (why: string): UnreadablePayment => ({ scheme: 'exact', refusal: malformedPayment(header, why) });
  let envelope: Record<string, unknown>;
  try {
    const decoded: unknown = decodePaymentSignatureHeader(value);
    if (typeof decoded !== 'object' || decoded === null) return unreadable('it is not a JSON object');
    envelope = decoded as Record<string, unknown>;
  } catch {
    return unreadable('it is not base64 of JSON');
  }
  if (envelope['x402Version'] !== version) return unreadable(`x402Version must be ${version}`);
  const accepted = version === 2 ? envelope['accepted'] : envelope;
  if (!isAccepted(accepted)) return unreadable('scheme and network are missing');
  const payload = envelope['payload'] as { authorization?: unknown; signature?: unknown } | null | undefined;
  const authorization = readAuthorization(payload?.authorization);
  if (!authorization) return unreadable('payload.authorization is not an EIP-3009 authorization');
  const signature = payload?.signature;
  if (!isSignature(signature)) return unreadable('payload.signature is not the hex of a signature');
  return { scheme: 'exact', version, authorization, signature, accepted };
}

/** 65 bytes, what a contract wallet made up, or that wrapped by ERC-6492, whose wrapping must be whole. */
function isSignature(value: unknown): value is Hex {
  if (typeof value !== 'string' || !/^0x([0-9a-fA-F]{2}){1,4096}$/.test(value)) return false;
  try {
    parseErc6492Signature(value as Hex);
    return true;
  } catch {
    return false;
  }
}

function isAccepted(value: unknown): value is ExactPayment['accepted'] {
  if (typeof value !== 'object' || value === null) return false;
  const { scheme, network, asset, amount } = value as Record<string, unknown>;
  const textOrNothing = (field: unknown) => field === undefined || typeof field === 'string';
  return typeof scheme === 'string' && typeof network === 'string' && textOrNothing(asset) && textOrNothing(amount);
}

const ADDRESS = /^0x[0-9a-fA-F]{40}$/;
const BYTES32 = /^0x[0-9a-fA-F]{64}$/;
const DECIMAL = /^\d{1,78}$/;

function readAuthorization(value: unknown): Authorization | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const given = value as Record<string, unknown>;
  const matches = (field: string, shape: RegExp) => typeof given[field] === 'string' && shape.test(given[field]);
  const isUint = (field: string) => matches(field, DECIMAL) && BigInt(given[field] as string) <= maxUint256;
  const complete =
    matches('from', ADDRESS) &&
    matches('to', ADDRESS) &&
    isUint('value') &&
    isUint('validAfter') &&
    isUint('validBefore') &&
    matches('nonce', BYTES32);
  if (!complete) return undefined;
  const { from, to, value: amount, validAfter, validBefore, nonce } = given as unknown as Authorization;
  // Hex is the same in any case: a capital letter in an address would otherwise be taken for a wrong checksum.
  return { from: lower(from), to: lower(to), value: amount, validAfter, validBefore, nonce: lower(nonce) };
}

const lower = (hex: Hex): Hex => hex.toLowerCase() as Hex;

const sameAddress = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();
