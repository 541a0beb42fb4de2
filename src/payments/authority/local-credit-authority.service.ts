import { Injectable } from '@nestjs/common';
import type { CreditAuthority } from '../credit-binding/credit-authority';
import type { AttestationClaims } from './attestation';
import { AuthorityIdentity } from './authority-identity.service';
import { CommitmentSettlement, type SettleOutcome, type SettleTerms } from './settlement.service';
import { AttestationVerification, type Presentation, type VerifyOutcome } from './verification.service';

/** The authority in this process, for our own resource server: with the exact charge, and without a key. */
@Injectable()
export class LocalCreditAuthority implements CreditAuthority {
  constructor(
    private readonly identity: AuthorityIdentity,
    private readonly verification: AttestationVerification,
    private readonly settlement: CommitmentSettlement,
  ) {}

  get origin(): string {
    return this.identity.origin;
  }

  get network(): `${string}:${string}` | undefined {
    return this.identity.isConfigured ? this.identity.network : undefined;
  }

  get extra(): Readonly<Record<string, string>> {
    return this.identity.extra;
  }

  read(attestation: string): Promise<AttestationClaims | undefined> {
    return this.verification.read(attestation);
  }

  verify(presented: Omit<Presentation, 'audience'>): Promise<VerifyOutcome> {
    return this.verification.verify({ ...presented, audience: this.origin });
  }

  settle(terms: Omit<SettleTerms, 'audience'>): Promise<SettleOutcome> {
    return this.settlement.settle({ ...terms, audience: this.origin });
  }
}
