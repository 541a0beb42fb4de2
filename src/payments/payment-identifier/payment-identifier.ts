import { createHash } from 'node:crypto';
import { envelopeOf, objectOf } from '../payment-envelope';
import type { PaymentPayload, RequestHeaders, Work } from '../payment-scheme';
import type { Refusal } from '../refusal';

/** The extension's key (x402 `payment-identifier`). */
export const PAYMENT_IDENTIFIER = 'payment-identifier';

/** What the payer calls its payment; `undefined` when it gives it no name, `null` when that is not one. */
export function identifierOf(payment: PaymentPayload, headers: RequestHeaders): string | null | undefined {
  const envelope = envelopeOf(headers);
  const inHeader = envelope && 'payload' in envelope ? envelope.extensions : {};
  const extensions = payment.extensions ?? inHeader;
  const id = objectOf(objectOf(extensions[PAYMENT_IDENTIFIER])?.['info'])?.['id'];
  if (id === undefined) return undefined;
  return typeof id === 'string' && IDENTIFIER.test(id) ? id : null;
}

/** Who pays for which request. Never the signature: a client that pays again signs anew. */
export const fingerprintOf = (work: Pick<Work, 'fingerprint' | 'resource'>, payer: string): string =>
  createHash('sha256').update(`${work.fingerprint}\n${work.resource.url}\n${payer}`).digest('base64url');

/** 16 to 128 characters of letters, digits, `-` and `_`. */
const IDENTIFIER = /^[A-Za-z0-9_-]{16,128}$/;

export const malformedIdentifier: Refusal = {
  status: 400,
  code: 'payment_identifier_invalid',
  detail: 'extensions["payment-identifier"].info.id is not an identifier.',
  hint: 'It has 16 to 128 characters: letters, digits, "-" and "_".',
};

export const identifierConflict: Refusal = {
  status: 409,
  code: 'payment_identifier_conflict',
  detail: 'This payment identifier was used before by this payer, with another request.',
  hint: 'Nothing was taken. Use a new identifier for a new request; repeat the first one exactly to get its answer.',
};
