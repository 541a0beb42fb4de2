import { Injectable } from '@nestjs/common';
import { canonicalHash } from '../../common/canonical-json';
import { type AttestationClaims, readAttestation } from './attestation';
import { AuthorityIdentity } from './authority-identity.service';
import { readCents } from './cents';
import type { VerifyFault } from './commitment';
import { CommitmentsService } from './commitments.service';

/** An attestation as a resource server was given it, and what it is asked to pay for. */
export interface Presentation {
  readonly attestation: string;
  /** The resource server's origin. */
  readonly audience: string;
  /** URL of the resource that is asked for. */
  readonly resourceUrl: string | undefined;
  /** The requirements that the payer says it accepted. */
  readonly accepted: unknown;
  /** The most that may be charged now, in the asset's smallest unit. */
  readonly amount: string;
  readonly asset: string;
}

export type VerifyOutcome =
  | { readonly isValid: true; readonly claims: AttestationClaims }
  | { readonly isValid: false; readonly invalidReason: VerifyFault; readonly claims: AttestationClaims | undefined };

/** Decides whether an attestation pays for a resource (draft, section "Verify"). */
@Injectable()
export class AttestationVerification {
  constructor(
    private readonly authority: AuthorityIdentity,
    private readonly commitments: CommitmentsService,
  ) {}

  /** The claims, when we signed them. Nothing else is looked at. */
  async read(attestation: string): Promise<AttestationClaims | undefined> {
    const claims = await readAttestation(attestation, this.authority.keys.find);
    return claims?.iss === this.authority.origin ? claims : undefined;
  }

  async verify(presented: Presentation, now = new Date()): Promise<VerifyOutcome> {
    const claims = await this.read(presented.attestation);
    const invalid = (invalidReason: VerifyFault): VerifyOutcome => ({ isValid: false, invalidReason, claims });
    if (!claims || !isFor(claims, presented)) return invalid('attestation_invalid');
    if (claims.exp * 1000 <= now.getTime()) return invalid('attestation_expired');
    const asked = readCents(presented.amount);
    if (asked === undefined || asked > BigInt(claims.amount)) return invalid('price_not_acceptable');
    const commitment = await this.commitments.find(claims.jti);
    if (commitment?.state === 'revoked') return invalid('attestation_revoked');
    return commitment?.state === 'held' ? { isValid: true, claims } : invalid('attestation_invalid');
  }
}

/** Bound to this server and this resource: an attestation for another one pays for nothing here. */
function isFor(claims: AttestationClaims, { audience, asset, resourceUrl, accepted }: Presentation): boolean {
  const bound = claims.resource.startsWith('sha256:')
    ? claims.resource === nameOf(accepted)
    : claims.resource === resourceUrl;
  return bound && claims.aud === audience && claims.asset === asset;
}

/** Requirements by their hash; `undefined` for what is nested deeper than any. */
function nameOf(requirements: unknown): string | undefined {
  try {
    return `sha256:${canonicalHash(requirements)}`;
  } catch {
    return undefined;
  }
}
