import { BillingError, type BillingErrorData } from '../../common/billing-error';

/** Why the authority does not sign (draft, section "Authorize"; the last two are ours). */
export type AuthorizeFault =
  | 'insufficient_credits'
  | 'bundle_not_found'
  | 'bundle_revoked'
  | 'idempotency_conflict'
  | 'unknown_resource_server'
  | 'key_limited_to_models';

/** The authority says no, by the draft's code where it has one. */
export class AuthorizeRefusedError extends BillingError {
  constructor(fault: AuthorizeFault) {
    super({ code: fault, title: 'Not authorized', ...FAULTS[fault] });
  }
}

const FAULTS: Readonly<Record<AuthorizeFault, Pick<BillingErrorData, 'status' | 'detail' | 'hint'>>> = {
  insufficient_credits: {
    status: 402,
    detail: 'The bundle has not this much credit that is neither held nor owed.',
    hint: 'Top up at /v1/topups, or wait until what is held is settled.',
  },
  bundle_not_found: {
    status: 404,
    detail: 'The key opens no bundle of this name.',
    hint: 'The bundle id is the customer id of the key.',
  },
  bundle_revoked: { status: 403, detail: 'The bundle is frozen.', hint: 'Ask the operator.' },
  idempotency_conflict: {
    status: 409,
    detail: 'This idempotencyKey was used before with other terms.',
    hint: 'Use a new key for a new authorization; repeat the first one exactly to get its attestation again.',
  },
  unknown_resource_server: {
    status: 400,
    detail: 'No resource server of this origin settles here.',
    hint: 'The resource must be an http(s) URL of a registered server; beside a sha256 resource, name the audience.',
  },
  key_limited_to_models: {
    status: 403,
    detail: 'This key is limited to some models, and an attestation is not.',
    hint: 'Use a key for every model, or pay with the key itself.',
  },
};

/** The caller is not the resource server that it says it is: `/verify` and `/settle` work for the attestation's `aud`. */
export class UnauthorizedServerError extends BillingError {
  constructor() {
    const code = 'unauthorized_server';
    super({
      code,
      status: 401,
      title: 'Not authenticated',
      detail: 'The key of a resource server is missing, unknown or revoked.',
      hint: 'Send it as "Authorization: Bearer tbs_…".',
      headers: { 'www-authenticate': 'Bearer realm="tollbridge-authority"' },
      members: { isValid: false, invalidReason: code, success: false, errorReason: code, transaction: '', network: '' },
    });
  }
}
