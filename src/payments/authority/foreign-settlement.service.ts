import { Injectable } from '@nestjs/common';
import { commitmentSettled } from '../../ledger/entries';
import { AuthorityIdentity } from './authority-identity.service';
import type { FacilitatorRequestDto } from './authority.dto';
import { fromCents } from './cents';
import { readFacilitatorRequest } from './facilitator-request';
import type { ResourceServer } from './resource-server';
import { settleFailure, settleResponse } from './settle-response';
import { CommitmentSettlement } from './settlement.service';
import { AttestationVerification } from './verification.service';

/** Verifies and settles for other people's resource servers: what they charge is owed to them. */
@Injectable()
export class ForeignSettlement {
  constructor(
    private readonly authority: AuthorityIdentity,
    private readonly verification: AttestationVerification,
    private readonly settlement: CommitmentSettlement,
  ) {}

  /** x402 `VerifyResponse`. */
  async verify(server: ResourceServer, request: FacilitatorRequestDto): Promise<Record<string, unknown>> {
    const { presented } = readFacilitatorRequest(request, server.origin);
    const outcome = await this.verification.verify(presented);
    const payer = outcome.claims === undefined ? {} : { payer: outcome.claims.sub };
    if (outcome.isValid) return { isValid: true, ...payer };
    return { isValid: false, invalidReason: outcome.invalidReason, ...payer };
  }

  /** x402 `SettleResponse`. A draft's error is an answer, not an HTTP error: nothing is unknown about it. */
  async settle(server: ResourceServer, request: FacilitatorRequestDto): Promise<Record<string, unknown>> {
    const { network } = this.authority;
    const { presented, cents, hash } = readFacilitatorRequest(request, server.origin);
    const claims = await this.verification.read(presented.attestation);
    if (!claims || claims.asset !== presented.asset) return settleFailure('attestation_invalid', network);
    if (cents === undefined) return settleFailure('amount_exceeds_attested', network);
    const { jti, sub } = claims;
    const charge = fromCents(cents);
    const take = () => commitmentSettled({ jti, serverId: server.id, customerId: sub, charge });
    const outcome = await this.settlement.settle({
      jti,
      audience: server.origin,
      charge,
      hash,
      ...(cents === 0n ? {} : { entryFor: take }),
    });
    return outcome.ok ? settleResponse(outcome.settlement, network) : settleFailure(outcome.fault, network);
  }
}
