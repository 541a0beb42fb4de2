import { createHash } from 'node:crypto';
import { envelopeOf, type PaymentEnvelope, type UnreadablePayment, unreadablePayload } from '../payment-envelope';
import type { PaymentPayload, RequestHeaders } from '../payment-scheme';
import type { Refusal } from '../refusal';

export const SCHEME = 'credit-binding';
/** Its name on the wire is also that of payment channels: the network tells them apart. */
export const WIRE_SCHEME = 'batch-settlement';

/** A payment from prepaid credit, as the draft `credit` binding carries it. */
export interface BindingPayment extends PaymentPayload {
  /** Compact JWS, not checked yet. */
  readonly attestation: string;
  readonly accepted: PaymentEnvelope['accepted'];
}

/** The payment of a request that names this network; `undefined` when it carries another one. Never throws. */
export function findBindingPayment(
  headers: RequestHeaders,
  network: string,
): BindingPayment | UnreadablePayment | undefined {
  const envelope = envelopeOf(headers);
  if (!envelope || 'refusal' in envelope) return undefined;
  const { version, accepted, payload } = envelope;
  if (version !== 2 || accepted.scheme !== WIRE_SCHEME || accepted.network !== network) return undefined;
  const { type, attestation } = payload;
  if (type !== 'consume') return unreadablePayload(SCHEME, version, 'payload.type must be "consume"');
  if (typeof attestation !== 'string') return unreadablePayload(SCHEME, version, 'payload.attestation is not a JWS');
  return { scheme: SCHEME, attestation, accepted };
}

/** Binds an attestation to the request that it came with: with another one it gets nothing. */
export const boundTo = (attestation: string, requestFingerprint: string): string =>
  createHash('sha256').update(`${requestFingerprint}\n${attestation}`).digest('base64url');

/** Why an attestation was not accepted, by the draft's reason. */
export const refusedAttestation = (code: string): Refusal => ({
  status: 402,
  code,
  detail: SENTENCES[code] ?? `The attestation was not accepted: ${code.replaceAll('_', ' ')}.`,
  hint: 'Nothing was taken. Authorize what PAYMENT-REQUIRED asks for, and send the new attestation.',
});

const SENTENCES: Readonly<Record<string, string>> = {
  attestation_expired: 'The attestation has expired: it may not be served any more.',
  attestation_invalid: 'The attestation was not signed for this resource, or has been used.',
  attestation_revoked: 'The attestation was taken back.',
  price_not_acceptable: 'The attestation is over less than this call may cost.',
};
