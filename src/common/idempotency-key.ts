import { createHash } from 'node:crypto';
import { BillingError, InvalidRequestError } from './billing-error';
import { canonicalJson } from './canonical-json';

/** What a repeat of a request is known by: the caller's key, and what was asked with it. */
export interface RequestKey {
  readonly key: string;
  /** Of all that the request says, so that the key cannot be used for another one. */
  readonly fingerprint: string;
}

/** The header `Idempotency-Key`; `undefined` without one. @throws InvalidRequestError `invalid_idempotency_key` */
export function readIdempotencyKey(header: unknown): string | undefined {
  if (header === undefined) return undefined;
  if (typeof header === 'string' && /^[\x21-\x7e]{1,255}$/.test(header)) return header;
  throw new InvalidRequestError({
    code: 'invalid_idempotency_key',
    detail: 'Idempotency-Key must be 1 to 255 printable characters without spaces.',
  });
}

/** @param asked All that the request says, in plain values. @throws InvalidRequestError `invalid_idempotency_key` */
export function requestKeyOf(header: unknown, asked: unknown): RequestKey | undefined {
  const key = readIdempotencyKey(header);
  return key === undefined ? undefined : { key, fingerprint: fingerprintOf(asked) };
}

/** @throws IdempotencyConflictError when the key was used for something else. */
export function assertSameRequest({ fingerprint }: RequestKey, first: string | null): void {
  if (first !== fingerprint) throw new IdempotencyConflictError();
}

/** The key was used before, for another request. */
export class IdempotencyConflictError extends BillingError {
  constructor() {
    super({
      code: 'idempotency_conflict',
      status: 409,
      title: 'The key is taken',
      detail: 'This Idempotency-Key was used before with another request.',
      hint: 'Use a new key for a new request; repeat the first request exactly to get its answer again.',
    });
  }
}

/** What is left out and what is `undefined` are the same; the order of the members does not matter. */
function fingerprintOf(asked: unknown): string {
  return createHash('sha256').update(canonicalJson(asked)).digest('base64url');
}
