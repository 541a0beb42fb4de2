import { BillingError } from '../../common/billing-error';

/** Why our facilitator neither verifies nor settles. */
export type FacilitatorFault =
  | 'invalid_payment_requirements'
  | 'unsupported_scheme'
  | 'asset_not_supported'
  | 'pay_to_not_allowed'
  | 'settle_conflict'
  | 'settlement_pending'
  | 'chain_unavailable';

/** As a problem document that is an x402 `VerifyResponse` and `SettleResponse` too: stock clients read its reason. */
export class FacilitatorError extends BillingError {
  constructor(fault: FacilitatorFault, network: string, transaction = '') {
    const { status, detail, hint } = FAULTS[fault];
    super({
      code: fault,
      status,
      title: status === 503 ? 'Not finished' : 'The payment cannot be accepted',
      detail,
      hint,
      headers: status === 503 ? { 'retry-after': '2' } : {},
      members: { isValid: false, invalidReason: fault, success: false, errorReason: fault, transaction, network },
    });
  }
}

const FAULTS: Readonly<Record<FacilitatorFault, { status: number; detail: string; hint: string }>> = {
  invalid_payment_requirements: {
    status: 400,
    detail: 'paymentPayload and paymentRequirements are not an x402 payment and what it is for.',
    hint: 'Send them as x402 version 2 has them: amounts are decimal strings, addresses have 20 bytes.',
  },
  unsupported_scheme: {
    status: 400,
    detail: 'This scheme is not settled on this network here.',
    hint: 'GET /facilitator/supported lists what is.',
  },
  asset_not_supported: {
    status: 400,
    detail: 'Only the token that this server is configured with is settled on this network.',
    hint: 'Ask for the network’s USDC.',
  },
  pay_to_not_allowed: {
    status: 403,
    detail: 'The key is not allowed to be paid at this address.',
    hint: 'The operator registers the addresses of a resource server.',
  },
  settle_conflict: {
    status: 409,
    detail: 'This payment was settled, or is being settled, on other terms.',
    hint: 'Repeat the first request exactly to get its result again.',
  },
  settlement_pending: {
    status: 503,
    detail: 'The settlement was begun and its end is not known yet.',
    hint: 'Send the same request again: it never settles twice. Do not ask the payer for another payment.',
  },
  chain_unavailable: {
    status: 503,
    detail: 'The chain could not be asked.',
    hint: 'Send the same request again.',
  },
};
