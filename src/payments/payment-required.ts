import { BillingError } from '../common/billing-error';
import type { PaymentRequirements, Work } from './payment-scheme';
import type { Refusal } from './refusal';

/** What a 402 says beside its rows. */
export interface Declared {
  /** x402 extensions by key. */
  readonly extensions?: Readonly<Record<string, unknown>>;
  readonly members?: Readonly<Record<string, unknown>>;
  /** Networks (CAIP-2) on which nothing can be paid now, because no node of theirs answers. */
  readonly unavailable?: readonly string[];
}

/** Seconds after which a network that was away is worth another try. */
export const AWAY_RETRY_SECONDS = 5;

/**
 * The 402 that serves three readers at once: x402 v2 clients (the `PAYMENT-REQUIRED` header), v1 clients
 * (`x402Version` and `accepts` in the body), people and scripts (RFC 9457 members). It is a 412 when
 * the payment lacks nothing but something that its payer has to do first (x402 `upto` on EVM: the Permit2 allowance).
 */
export class PaymentRequiredError extends BillingError {
  constructor(
    work: Pick<Work, 'resource'>,
    accepts: readonly PaymentRequirements[],
    topUpUrl: string,
    refusal?: Refusal,
    declared: Declared = {},
  ) {
    const away = declared.unavailable ?? [];
    const reason = refusal ?? (away.length > 0 ? noPaymentWithout(away) : NO_PAYMENT);
    const rows = reason.accepts?.(accepts) ?? accepts;
    super({
      code: reason.code,
      status: reason.status === 412 ? 412 : 402,
      title: reason.status === 412 ? 'The payment needs something first' : 'Payment required',
      detail: reason.detail,
      hint: reason.hint,
      headers: {
        'payment-required': base64(paymentRequired(work, rows, reason, declared.extensions ?? {})),
        ...(reason.retryAfter === undefined ? {} : { 'retry-after': String(reason.retryAfter) }),
        ...reason.headers,
      },
      members: {
        x402Version: 1,
        error: refusal ? reason.code : 'X-PAYMENT header is required',
        accepts: rows.flatMap((requirements) => toVersion1(requirements, work)),
        topUpUrl,
        ...(away.length > 0 ? { unavailable: away.map(unavailableRail) } : {}),
        ...declared.members,
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

/** A member of the 402's `unavailable`: what cannot be paid on, and since it may be soon, when to ask again. */
const unavailableRail = (network: string) => ({
  rail: 'x402',
  network,
  code: 'chain_unavailable',
  detail: `No node of ${network} answers, so nothing can be paid there now. Prepaid credit works.`,
  retryAfter: AWAY_RETRY_SECONDS,
});

const noPaymentWithout = (away: readonly string[]): Refusal => ({
  ...NO_PAYMENT,
  detail: `${NO_PAYMENT.detail} USDC on ${away.join(', ')} cannot be taken now, because the chain does not answer. Prepaid credit works.`,
  hint: 'Send an API key as "Authorization: Bearer tb_…", or ask again after the seconds in Retry-After.',
  retryAfter: AWAY_RETRY_SECONDS,
});

/** x402 v1 knows networks by name, and only these. */
const V1_NETWORKS: Readonly<Record<string, string>> = {
  'eip155:8453': 'base',
  'eip155:84532': 'base-sepolia',
  'eip155:43114': 'avalanche',
  'eip155:43113': 'avalanche-fuji',
  'eip155:137': 'polygon',
};

export const v1NetworkOf = (network: string): string | undefined => V1_NETWORKS[network];

/** x402 specification v1, `accepts[]`. It knows `exact` alone: its clients refuse a list with any other name in it. */
export function toVersion1(requirements: PaymentRequirements, work: Pick<Work, 'resource'>): Record<string, unknown>[] {
  const network = v1NetworkOf(requirements.network);
  if (network === undefined || requirements.scheme !== 'exact') return [];
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

/** The header of v2. What a resource is for stands in the body: headers of more than a few kilobytes are cut off. */
function paymentRequired(
  work: Pick<Work, 'resource'>,
  accepts: readonly PaymentRequirements[],
  reason: Refusal,
  extensions: Readonly<Record<string, unknown>>,
): unknown {
  const { url, mimeType } = work.resource;
  return {
    x402Version: 2,
    error: reason.code,
    resource: { url, mimeType },
    accepts,
    ...(Object.keys(extensions).length === 0 ? {} : { extensions }),
  };
}

export const base64 = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64');
