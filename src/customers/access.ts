import { BillingError, InvalidRequestError } from '../common/billing-error';
import type { KeyFault, Scope } from './api-key';

/** Who asks, on the routes that manage money rather than spend it. */
export type Caller =
  { readonly kind: 'admin' } | { readonly kind: 'customer'; readonly customerId: string; readonly keyId: string };

/** The customer whose rows a caller may see: its own, or for the operator the one named (or all). */
export function visibleCustomer(caller: Caller, named: string | undefined): string | undefined {
  if (caller.kind === 'admin') return named;
  if (named !== undefined && named !== caller.customerId) {
    throw new AccessError('forbidden', 'This key belongs to another customer.', 403);
  }
  return caller.customerId;
}

/** The one customer that is meant: a key's own, or the one that the operator names. */
export function oneCustomer(caller: Caller, named: string | undefined): string {
  const customerId = visibleCustomer(caller, named);
  if (customerId !== undefined) return customerId;
  throw new InvalidRequestError({
    code: 'customer_id_required',
    detail: 'The operator must say which customer is meant.',
    hint: 'Add customerId.',
  });
}

/** A key that is missing or cannot be used (401), or may not do this (403). */
export class AccessError extends BillingError {
  constructor(code: string, detail: string, status: 401 | 403, hint?: string) {
    super({
      code,
      status,
      title: status === 401 ? 'Not authenticated' : 'Not allowed',
      detail,
      hint: hint ?? 'Send a valid key as "Authorization: Bearer tb_…".',
      ...(status === 401 ? { headers: { 'www-authenticate': 'Bearer realm="tollbridge"' } } : {}),
    });
  }

  static forFault(fault: KeyFault): AccessError {
    const sentences: Record<KeyFault, string> = {
      unknown: 'The API key is not known.',
      revoked: 'The API key was revoked.',
      expired: 'The API key has expired.',
    };
    return new AccessError(fault === 'unknown' ? 'invalid_api_key' : `api_key_${fault}`, sentences[fault], 401);
  }

  static forScope(scope: Scope): AccessError {
    return new AccessError(
      'scope_missing',
      `The API key may not be used for ${scope}.`,
      403,
      `Use a key with the scope "${scope}".`,
    );
  }
}
