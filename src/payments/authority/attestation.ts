import type { KeyObject } from 'node:crypto';
import { CompactSign, compactVerify } from 'jose';

/**
 * What the authority promises with its signature: `amount` is held for `aud` until `holdExp`
 * (x402 `batch-settlement`, draft `credit` binding, section "Attestation").
 */
export interface AttestationClaims {
  /** The authority's origin: also where its keys are found and where it settles. */
  readonly iss: string;
  /** The bundle that pays. */
  readonly sub: string;
  /** Unix seconds, as `exp` and `holdExp`. */
  readonly iat: number;
  /** The last moment at which the resource may be served. */
  readonly exp: number;
  /** The last moment at which it may be settled; after `exp`. */
  readonly holdExp: number;
  /** The commitment: anchor against replays, and the key under which it is settled. */
  readonly jti: string;
  /** The most that may be charged, in the asset's smallest unit (US cents), decimal. */
  readonly amount: string;
  /** ISO 4217. */
  readonly asset: string;
  /** Origin of the resource server that may settle it. */
  readonly aud: string;
  /** The resource's exact URL, or `sha256:<hex>` over the canonical JSON of the accepted requirements. */
  readonly resource: string;
}

/** The key that signs now, under the name by which it is published. */
export interface SigningKey {
  readonly kid: string;
  readonly privateKey: KeyObject;
}

/** A published key by its `kid`; `undefined` for one that was never published, or is no more. */
export type FindKey = (kid: string) => KeyObject | undefined;

/** Ed25519 signs the same bytes for the same claims, so that a repeated authorization is byte for byte the first. */
const ALGORITHM = 'EdDSA';
const TYPE = 'x402-credit+jwt';
const MAX_LENGTH = 4096;

/** Compact JWS (RFC 7515). */
export function signAttestation(claims: AttestationClaims, { kid, privateKey }: SigningKey): Promise<string> {
  return new CompactSign(Buffer.from(JSON.stringify(claims)))
    .setProtectedHeader({ alg: ALGORITHM, kid, typ: TYPE })
    .sign(privateKey);
}

/**
 * The claims of an attestation that one of our keys signed, `undefined` for anything else. Times and addressees are
 * not looked at. Never throws. One algorithm is accepted: `none`, and a MAC keyed with a public key, are not.
 */
export async function readAttestation(attestation: string, findKey: FindKey): Promise<AttestationClaims | undefined> {
  if (attestation.length > MAX_LENGTH) return undefined;
  try {
    const { payload, protectedHeader } = await compactVerify(
      attestation,
      ({ kid }) => {
        const key = kid === undefined ? undefined : findKey(kid);
        if (!key) throw new Error('The key is not published.');
        return key;
      },
      { algorithms: [ALGORITHM] },
    );
    const claims: unknown = JSON.parse(Buffer.from(payload).toString());
    return protectedHeader.typ === TYPE && isClaims(claims) ? claims : undefined;
  } catch {
    return undefined;
  }
}

const TEXTS = ['iss', 'sub', 'jti', 'asset', 'aud', 'resource'] as const;
const TIMES = ['iat', 'exp', 'holdExp'] as const;

function isClaims(value: unknown): value is AttestationClaims {
  if (typeof value !== 'object' || value === null) return false;
  const claims = value as Record<string, unknown>;
  return (
    TEXTS.every((name) => typeof claims[name] === 'string' && claims[name] !== '') &&
    TIMES.every((name) => Number.isSafeInteger(claims[name])) &&
    typeof claims['amount'] === 'string' &&
    /^[1-9]\d*$/.test(claims['amount']) &&
    (claims['exp'] as number) < (claims['holdExp'] as number)
  );
}
