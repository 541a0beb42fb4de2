/** One attestation as the authority keeps it: credit that is held for one resource server. */
export interface Commitment {
  readonly jti: string;
  readonly bundleId: string;
  /** Of the terms under which it was authorized: a repeat must match it. */
  readonly requestHash: string;
  readonly audience: string;
  /** What is held, in US cents. */
  readonly cents: bigint;
  readonly attestation: string;
  readonly state: CommitmentState;
  readonly holdExp: Date;
  /** Of the terms under which it was settled: a repeat must match it. */
  readonly settleHash: string | null;
  /** What the first settlement answered. */
  readonly result: Settlement | null;
}

/**
 * held: may be settled until `holdExp` · settled: charged, the rest is free again · released: settled at zero ·
 * revoked: taken back by the operator · expired: nobody settled it in time.
 */
export type CommitmentState = 'held' | 'settled' | 'released' | 'revoked' | 'expired';

export const COMMITMENT_TRANSITIONS: Readonly<Record<CommitmentState, readonly CommitmentState[]>> = {
  held: ['settled', 'released', 'revoked', 'expired'],
  settled: [],
  released: [],
  revoked: [],
  expired: [],
};

/** What came of a commitment, as it is kept and told to everyone who settles it on the same terms. In nano-USD. */
export interface Settlement {
  readonly commitmentId: string;
  readonly bundleId: string;
  readonly chargedNanoUsd: string;
  /** What the bundle could spend then: informative only. */
  readonly balanceNanoUsd: string;
}

/** Why the authority does not settle (draft, section "Settle"). */
export type SettleFault =
  | 'settle_conflict'
  | 'hold_expired'
  | 'unauthorized_server'
  | 'revoked'
  | 'amount_exceeds_attested'
  | 'attestation_invalid';

/** Why an attestation pays for nothing (draft, section "Verify"). */
export type VerifyFault =
  'attestation_expired' | 'attestation_invalid' | 'attestation_revoked' | 'price_not_acceptable';
