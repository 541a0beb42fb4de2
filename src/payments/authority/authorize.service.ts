import { Injectable } from '@nestjs/common';
import { newId } from '../../common/id';
import type { CreditVerdict } from '../../credits/held-credit.service';
import type { ApiKey, KeyInUse } from '../../customers/api-key';
import { DatabaseService } from '../../database/database.service';
import type { Tx } from '../../database/tx';
import type { LedgerHold } from '../../ledger/ledger.service';
import { signAttestation } from './attestation';
import { audienceOf, type AuthorizationRequest, claimsFor, requestHashOf } from './authorization';
import { type AuthorizeFault, AuthorizeRefusedError } from './authority-error';
import { AuthorityIdentity } from './authority-identity.service';
import type { Commitment } from './commitment';
import { CommitmentCredit } from './commitment-credit.service';
import { CommitmentsService, type NewCommitment } from './commitments.service';
import { ResourceServersService } from './resource-servers.service';

/** Holds credit and signs for it: both or neither, once per idempotency key. */
@Injectable()
export class AuthorizeService {
  constructor(
    private readonly database: DatabaseService,
    private readonly commitments: CommitmentsService,
    private readonly credit: CommitmentCredit,
    private readonly authority: AuthorityIdentity,
    private readonly servers: ResourceServersService,
  ) {}

  /**
   * The attestation; a repeat of the same request gets the first one, also when it was used since.
   * @throws AuthorizeRefusedError
   */
  async authorize(key: KeyInUse, request: AuthorizationRequest): Promise<string> {
    if (request.bundleId !== key.customerId) throw new AuthorizeRefusedError('bundle_not_found');
    if (key.models !== null) throw new AuthorizeRefusedError('key_limited_to_models');
    const requestHash = requestHashOf(request);
    const earlier = await this.commitments.findByKey(request.bundleId, request.idempotencyKey);
    if (earlier) return attestationFor(earlier, requestHash);
    const commitment = await this.prepare(key, request, requestHash);
    const hold = await this.credit.prepare(key, commitment);
    return this.credit.attempt(request.bundleId, () =>
      this.database.transaction((tx) => this.commit(tx, commitment, hold)),
    );
  }

  private async prepare(key: ApiKey, request: AuthorizationRequest, requestHash: string): Promise<NewCommitment> {
    const { origin, keys } = this.authority;
    const audience = audienceOf(request);
    const server = audience === undefined ? undefined : await this.servers.ofOrigin(audience);
    if (audience === undefined || (audience !== origin && !server)) {
      throw new AuthorizeRefusedError('unknown_resource_server');
    }
    const terms = { issuer: origin, audience, jti: newId(), now: new Date(), deferred: server?.deferred ?? false };
    const claims = claimsFor(request, terms);
    return {
      jti: claims.jti,
      bundleId: request.bundleId,
      keyId: key.id,
      idempotencyKey: request.idempotencyKey,
      requestHash,
      audience,
      cents: BigInt(request.amount),
      attestation: await signAttestation(claims, keys.signing),
      holdExp: new Date(claims.holdExp * 1000),
    };
  }

  /** The row is the first thing: copies that arrive meanwhile wait for it, at whatever replica. */
  private async commit(tx: Tx, commitment: NewCommitment, hold: LedgerHold): Promise<string> {
    const { bundleId, idempotencyKey, requestHash, attestation, holdExp } = commitment;
    if (!(await this.commitments.insert(tx, commitment))) {
      const first = await this.commitments.findByKey(bundleId, idempotencyKey, tx);
      return attestationFor(first as Commitment, requestHash);
    }
    const [bundle] = await tx.query<{ frozen: boolean }>(
      'SELECT credit_frozen_at IS NOT NULL AS frozen FROM customers WHERE id = $1 FOR SHARE',
      [bundleId],
    );
    if (!bundle || bundle.frozen) throw new AuthorizeRefusedError('bundle_revoked');
    const verdict = await this.credit.hold(tx, hold, holdExp);
    // Thrown, so that the row goes as well: the same key may be used again when there is credit.
    if (verdict !== 'held') throw new AuthorizeRefusedError(NOT_HELD[verdict]);
    return attestation;
  }
}

/** Every other verdict of a hold whose id is new: what is owed, or beyond a budget, is no credit either. */
const NOT_HELD: Readonly<Record<Exclude<CreditVerdict['verdict'], 'held'>, AuthorizeFault>> = {
  insufficient: 'insufficient_credits',
  frozen: 'insufficient_credits',
  budget_exceeded: 'insufficient_credits',
  replayed: 'idempotency_conflict',
  key_conflict: 'idempotency_conflict',
};

function attestationFor(first: Commitment, requestHash: string): string {
  if (first.requestHash !== requestHash) throw new AuthorizeRefusedError('idempotency_conflict');
  return first.attestation;
}
