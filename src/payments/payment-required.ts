import { BillingError } from '../common/billing-error';
import type { PaymentRequirements, Work } from './payment-scheme';
import type { Refusal } from './refusal';

/**
 * The 402 that serves three readers at once: x402 v2 clients (the `PAYMENT-REQUIRED` header), v1 clients
 * (`x402Version` and `accepts` in the body), people and scripts (RFC 9457 members).
 */
export class PaymentRequiredError extends BillingError {
  constructor(
    work: Pick<Work, 'resource'>,
    accepts: readonly PaymentRequirements[],
    topUpUrl: string,
    refusal?: Refusal,
  ) {
    const reason = refusal ?? NO_PAYMENT;
    super({
      code: reason.code,
      status: 402,
      title: 'Payment required',
      detail: reason.detail,
      hint: reason.hint,
      headers: {
        'payment-required': base64(paymentRequired(work, accepts, reason)),
        ...(reason.retryAfter === undefined ? {} : { 'retry-after': String(reason.retryAfter) }),
      },
      members: {
        x402Version: 1,
        error: refusal ? reason.code : 'X-PAYMENT header is required',
        accepts: accepts.flatMap((requirements) => toVersion1(requirements, work)),
        topUpUrl,
        ...reason.members,
      },
    });
  }
}

const NO_PAYMENT: Refusal = {
  status: 402,
  code: 'payment_required',
  detail: 'This call has a price and the request carries no payment.',
  hint: 'Send an API key as "Authorization: Bearer tb_…", or pay with an x402 client.',
};

/** x402 v1 knows networks by name, and only these. */
const V1_NETWORKS: Readonly<Record<string, string>> = {
  'eip155:8453': 'base',
  'eip155:84532': 'base-sepolia',
  'eip155:43114': 'avalanche',
  'eip155:43113': 'avalanche-fuji',
  'eip155:137': 'polygon',
};

export const v1NetworkOf = (network: string): string | undefined => V1_NETWORKS[network];

/** x402 specification v1, `accepts[]`. */
export function toVersion1(requirements: PaymentRequirements, work: Pick<Work, 'resource'>): Record<string, unknown>[] {
  const network = v1NetworkOf(requirements.network);
  if (network === undefined) return [];
  const { scheme, amount, asset, payTo, maxTimeoutSeconds, extra } = requirements;
  return [
    {
      scheme,
      network,
      maxAmountRequired: amount,
      resource: work.resource.url,
      description: work.resource.description,
      mimeType: work.resource.mimeType,
      payTo,
      maxTimeoutSeconds,
      asset,
      extra,
    },
  ];
}

function paymentRequired(
  work: Pick<Work, 'resource'>,
  accepts: readonly PaymentRequirements[],
  reason: Refusal,
): unknown {
  return { x402Version: 2, error: reason.code, resource: work.resource, accepts };
}

export const base64 = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64');
