import { canonicalHash } from '../../common/canonical-json';
import type { AttestationClaims } from './attestation';

/** What `POST /authorize` asks for (draft `credit` binding, section "Authorize"). */
export interface AuthorizationRequest {
  readonly bundleId: string;
  /** The most that may be charged, in US cents, decimal. */
  readonly amount: string;
  readonly asset: string;
  /** The resource's exact URL, or `sha256:<hex>` over the canonical JSON of the accepted requirements. */
  readonly resource: string;
  /** Origin of the resource server: told by a URL, and needed beside a hash. */
  readonly audience?: string | undefined;
  readonly idempotencyKey: string;
}

/** How long a resource may be served. Short: a revocation that a server does not ask for reaches it after this. */
export const SERVE_SECONDS = 5 * 60;
/** After that, how long it may be settled; a server that settles in batches gets a day. */
export const SETTLE_SECONDS = 60 * 60;
export const DEFERRED_SETTLE_SECONDS = 24 * 60 * 60;

/** Who may settle: the origin of the resource, in the form that URLs have it. `undefined` when it cannot be told. */
export function audienceOf({
  resource,
  audience,
}: Pick<AuthorizationRequest, 'resource' | 'audience'>): string | undefined {
  const url = resource.startsWith('sha256:') ? audience : resource;
  return url === undefined ? undefined : originOf(url);
}

/** The origin of an http or https URL. */
export function originOf(url: string): string | undefined {
  if (!URL.canParse(url)) return undefined;
  const { protocol, origin } = new URL(url);
  return protocol === 'https:' || protocol === 'http:' ? origin : undefined;
}

/** The terms that an idempotency key is bound to. */
export const requestHashOf = ({ amount, asset, resource, audience }: AuthorizationRequest): string =>
  canonicalHash({ amount, asset, resource, audience });

export function claimsFor(
  request: AuthorizationRequest,
  terms: { issuer: string; audience: string; jti: string; now: Date; deferred: boolean },
): AttestationClaims {
  const iat = Math.floor(terms.now.getTime() / 1000);
  const exp = iat + SERVE_SECONDS;
  return {
    iss: terms.issuer,
    sub: request.bundleId,
    iat,
    exp,
    holdExp: exp + (terms.deferred ? DEFERRED_SETTLE_SECONDS : SETTLE_SECONDS),
    jti: terms.jti,
    amount: request.amount,
    asset: request.asset,
    aud: terms.audience,
    resource: request.resource,
  };
}
