import { CREDIT_AUTHORITY } from '../credit-binding/credit-authority';
import type { PaymentsPart } from '../payments-part.providers';
import { AuthorityAdminController } from './authority.admin.controller';
import { AuthorityController } from './authority.controller';
import { AuthorityIdentity } from './authority-identity.service';
import { AuthorizeService } from './authorize.service';
import { BundlesService } from './bundles.service';
import { CommitmentCredit } from './commitment-credit.service';
import { CommitmentSweeper } from './commitment-sweeper.service';
import { CommitmentsService } from './commitments.service';
import { ForeignSettlement } from './foreign-settlement.service';
import { LocalCreditAuthority } from './local-credit-authority.service';
import { ResourceServersService } from './resource-servers.service';
import { CommitmentSettlement } from './settlement.service';
import { AttestationVerification } from './verification.service';

/** The issuing side of the `credit` binding: it knows no model, no price and no call. */
export const AUTHORITY: PaymentsPart = {
  controllers: [AuthorityController, AuthorityAdminController],
  providers: [
    AuthorityIdentity,
    ResourceServersService,
    BundlesService,
    CommitmentCredit,
    CommitmentsService,
    AuthorizeService,
    AttestationVerification,
    CommitmentSettlement,
    ForeignSettlement,
    CommitmentSweeper,
    LocalCreditAuthority,
    { provide: CREDIT_AUTHORITY, useExisting: LocalCreditAuthority },
  ],
};
