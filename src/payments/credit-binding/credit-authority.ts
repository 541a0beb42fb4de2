import type { AttestationClaims } from '../authority/attestation';
import type { SettleOutcome, SettleTerms } from '../authority/settlement.service';
import type { Presentation, VerifyOutcome } from '../authority/verification.service';

/** Injection token of the authority whose attestations are taken here. */
export const CREDIT_AUTHORITY = Symbol('CREDIT_AUTHORITY');

/** What a resource server needs of a bundle authority (x402 `batch-settlement`, draft `credit` binding). */
export interface CreditAuthority {
  /** The anchor of trust; here also our own origin, the `aud` of the attestations that we may settle. */
  readonly origin: string;
  /** `<authority>:credit`; `undefined` while nothing is signed. */
  readonly network: `${string}:${string}` | undefined;
  /** `extra` of the requirements. */
  readonly extra: Readonly<Record<string, string>>;
  /** The claims of an attestation by their signature alone; `undefined` when it is not good. */
  read(attestation: string): Promise<AttestationClaims | undefined>;
  verify(presented: Omit<Presentation, 'audience'>): Promise<VerifyOutcome>;
  settle(terms: Omit<SettleTerms, 'audience'>): Promise<SettleOutcome>;
}
