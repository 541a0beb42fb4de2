import { Injectable } from '@nestjs/common';
import { newId } from '../../common/id';
import { type CreditVerdict, HeldCredit } from '../../credits/held-credit.service';
import type { ApiKey } from '../../customers/api-key';
import { DatabaseService } from '../../database/database.service';
import type { Tx } from '../../database/tx';
import { LedgerAccountsService } from '../../ledger/ledger-accounts.service';
import { signAttestation } from './attestation';
import { audienceOf, type AuthorizationRequest, claimsFor, requestHashOf } from './authorization';
import { type AuthorizeFault, AuthorizeRefusedError } from './authority-error';
import { AuthorityIdentity } from './authority-identity.service';
import type { Commitment } from './commitment';
import { CommitmentsService, holdOf, type NewCommitment } from './commitments.service';
import { ResourceServersService } from './resource-servers.service';

/**
 * Between the last moment to settle and the ledger's own expiry of the hold: a settlement that came in time finds its
 * money, also when a sweeper's clock is ahead.
 */
export const HOLD_SLACK_MS = 60_000;

/** Holds credit and signs for it: both or neither, once per idempotency key. */
@Injectable()
export class AuthorizeService {
  constructor(
    private readonly database: DatabaseService,
    private readonly commitments: CommitmentsService,
    private readonly credit: HeldCredit,
    private readonly accounts: LedgerAccountsService,
    private readonly authority: AuthorityIdentity,
    private readonly servers: ResourceServersService,
  ) {}

  /**
   * The attestation; a repeat of the same request gets the first one, also when it was used since.
   * @throws AuthorizeRefusedError
   */
  async authorize(key: ApiKey, request: AuthorizationRequest): Promise<string> {
    if (request.bundleId !== key.customerId) throw new AuthorizeRefusedError('bundle_not_found');
    if (key.models !== null) throw new AuthorizeRefusedError('key_limited_to_models');
    const requestHash = requestHashOf(request);
    const earlier = await this.commitments.findByKey(request.bundleId, request.idempotencyKey);
    if (earlier) return attestationFor(earlier, requestHash);
    const commitment = await this.prepare(key, request, requestHash);
    // Known before the transaction, which must not need a second connection while others wait for its row.
    await this.accounts.idOf(holdOf(commitment).account);
    return this.credit.afterExpiry(request.bundleId, () =>
      this.database.transaction((tx) => this.commit(tx, commitment)),
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
  private async commit(tx: Tx, commitment: NewCommitment): Promise<string> {
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
    const { verdict } = await this.credit.holdIn(tx, holdOf(commitment), new Date(holdExp.getTime() + HOLD_SLACK_MS));
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
