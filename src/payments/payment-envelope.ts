import { decodePaymentSignatureHeader } from '@x402/core/http';
import { type Hex, maxUint256 } from 'viem';
import { isDeeperThan, MOST_LEVELS } from '../common/depth';
import type { PaymentPayload, PaymentRequirements, RequestHeaders } from './payment-scheme';
import { malformedPayment, type Refusal } from './refusal';

/** What every x402 payment header has in common, whatever its scheme. Shapes are checked, contents are not. */
export interface PaymentEnvelope {
  readonly version: 1 | 2;
  /** What the payer says it accepted; v1 names scheme and network only. */
  readonly accepted: { readonly scheme: string; readonly network: string } & Partial<PaymentRequirements>;
  readonly payload: Readonly<Record<string, unknown>>;
  /** Empty in v1. */
  readonly extensions: Readonly<Record<string, unknown>>;
}

/** A header that is there and cannot be read is a payment too: one that is refused. */
export interface UnreadablePayment extends PaymentPayload {
  readonly refusal: Refusal;
}

/**
 * The x402 payment of a request, v2 (`PAYMENT-SIGNATURE`) before v1 (`X-PAYMENT`); `undefined` when it carries none.
 * Never throws. Read once for each request, however many schemes ask.
 */
export function envelopeOf(headers: RequestHeaders): PaymentEnvelope | UnreadablePayment | undefined {
  const [v2, v1] = [headers['payment-signature'], headers['x-payment']];
  if (v2 === undefined && v1 === undefined) return undefined;
  const known = READ.get(headers);
  if (known) return known;
  const envelope = v2 !== undefined ? read('PAYMENT-SIGNATURE', v2, 2) : read('X-PAYMENT', v1, 1);
  READ.set(headers, envelope);
  return envelope;
}

/** The envelope when it can be read and names this scheme. */
export function envelopeFor(scheme: string, headers: RequestHeaders): PaymentEnvelope | undefined {
  const envelope = envelopeOf(headers);
  return envelope && !('refusal' in envelope) && envelope.accepted.scheme === scheme ? envelope : undefined;
}

/** A payload that is not what its scheme describes: 400, said of the header that it came in. */
export const unreadablePayload = (scheme: string, version: 1 | 2, why: string): UnreadablePayment => ({
  scheme,
  refusal: malformedPayment(version === 2 ? 'PAYMENT-SIGNATURE' : 'X-PAYMENT', why),
});

/** An object with string members, or `undefined`. */
export const objectOf = (value: unknown): Readonly<Record<string, unknown>> | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;

/** An address in lower case: hex is the same in any case, and a capital letter is not a checksum here. */
export const addressOf = (value: unknown): Hex | undefined => matching(value, ADDRESS);

/** 32 bytes of hex, in lower case. */
export const bytes32Of = (value: unknown): Hex | undefined => matching(value, BYTES32);

/** A uint256 as a decimal string, as it was written: leading zeros stay, numbers of JSON are refused. */
export const uintOf = (value: unknown): string | undefined =>
  typeof value === 'string' && DECIMAL.test(value) && BigInt(value) <= maxUint256 ? value : undefined;

/** Hex of 1 to 4096 bytes in any case: a signature of a key, or whatever a contract wallet made up. */
export const signatureOf = (value: unknown): Hex | undefined =>
  typeof value === 'string' && SIGNATURE.test(value) ? (value as Hex) : undefined;

export const sameAddress = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

const ADDRESS = /^0x[0-9a-fA-F]{40}$/;
const BYTES32 = /^0x[0-9a-fA-F]{64}$/;
const DECIMAL = /^\d{1,78}$/;
const SIGNATURE = /^0x([0-9a-fA-F]{2}){1,4096}$/;
const MAX_HEADER_CHARACTERS = 65_536;

const READ = new WeakMap<RequestHeaders, PaymentEnvelope | UnreadablePayment>();

function read(header: string, value: unknown, version: 1 | 2): PaymentEnvelope | UnreadablePayment {
  const unreadable = (why: string): UnreadablePayment => ({ scheme: 'x402', refusal: malformedPayment(header, why) });
  if (typeof value !== 'string') return unreadable('it is there more than once');
  if (value.length > MAX_HEADER_CHARACTERS) return unreadable(`it has more than ${MAX_HEADER_CHARACTERS} characters`);
  let envelope: Readonly<Record<string, unknown>> | undefined;
  try {
    envelope = objectOf(decodePaymentSignatureHeader(value));
  } catch {
    return unreadable('it is not base64 of JSON');
  }
  if (!envelope) return unreadable('it is not a JSON object');
  if (isDeeperThan(MOST_LEVELS, envelope)) return unreadable(`it is nested more than ${MOST_LEVELS} levels deep`);
  if (envelope['x402Version'] !== version) return unreadable(`x402Version must be ${version}`);
  const accepted = version === 2 ? envelope['accepted'] : envelope;
  if (!isAccepted(accepted)) return unreadable('scheme and network are missing');
  const payload = objectOf(envelope['payload']);
  if (!payload) return unreadable('payload is not an object');
  const extensions = version === 2 ? objectOf(envelope['extensions'] ?? {}) : {};
  if (!extensions) return unreadable('extensions is not an object');
  return { version, accepted, payload, extensions };
}

function isAccepted(value: unknown): value is PaymentEnvelope['accepted'] {
  const accepted = objectOf(value);
  if (!accepted) return false;
  const { scheme, network, asset, amount } = accepted;
  const textOrNothing = (field: unknown) => field === undefined || typeof field === 'string';
  return typeof scheme === 'string' && typeof network === 'string' && textOrNothing(asset) && textOrNothing(amount);
}

const matching = (value: unknown, shape: RegExp): Hex | undefined =>
  typeof value === 'string' && shape.test(value) ? (value.toLowerCase() as Hex) : undefined;
