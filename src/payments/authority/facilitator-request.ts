import { canonicalHash } from '../../common/canonical-json';
import type { FacilitatorRequestDto } from './authority.dto';
import { readCents } from './cents';
import type { Presentation } from './verification.service';

/** A presented attestation, as the x402 facilitator wire carries it. */
export interface FacilitatorRequest {
  readonly presented: Presentation;
  /** `paymentRequirements.amount`: for a settlement what is charged, in cents. `undefined` when it is no amount. */
  readonly cents: bigint | undefined;
  /** Identifies the terms of a settlement. */
  readonly hash: string;
}

/** Reads what a resource server sent; what is missing verifies as nothing. */
export function readFacilitatorRequest(
  { paymentPayload, paymentRequirements }: FacilitatorRequestDto,
  audience: string,
): FacilitatorRequest {
  const [scheme, network, amount, asset, payTo] = TERMS.map((name) => textOf(paymentRequirements[name]));
  const payload = objectOf(paymentPayload['payload']);
  const { attestation } = payload;
  const isOurs = payload['type'] === 'consume' && typeof attestation === 'string';
  return {
    presented: {
      attestation: isOurs ? attestation : '',
      audience,
      resourceUrl: textOf(objectOf(paymentPayload['resource'])['url']),
      accepted: paymentPayload['accepted'],
      amount: amount ?? '',
      asset: asset ?? '',
    },
    cents: readCents(amount),
    hash: canonicalHash({ scheme, network, amount, asset, payTo }),
  };
}

const TERMS = ['scheme', 'network', 'amount', 'asset', 'payTo'] as const;

const objectOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
