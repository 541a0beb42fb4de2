import { Injectable } from '@nestjs/common';
import { DatabaseService } from '../../database/database.service';
import type { Tx } from '../../database/tx';
import { customerCredits } from '../../ledger/ledger-account';
import type { LedgerHold } from '../../ledger/ledger.service';
import { fromCents } from './cents';
import { type Commitment, COMMITMENT_TRANSITIONS, type CommitmentState, type Settlement } from './commitment';

export interface NewCommitment extends Pick<
  Commitment,
  'jti' | 'bundleId' | 'requestHash' | 'audience' | 'cents' | 'attestation' | 'holdExp'
> {
  readonly keyId: string;
  readonly idempotencyKey: string;
}

/** Commitments in PostgreSQL. */
@Injectable()
export class CommitmentsService {
  constructor(private readonly database: DatabaseService) {}

  async find(jti: string): Promise<Commitment | undefined> {
    const rows = await this.database.query<CommitmentRow>('SELECT * FROM commitments WHERE jti = $1', [jti]);
    return rows[0] && toCommitment(rows[0]);
  }

  async findByKey(bundleId: string, idempotencyKey: string, tx: Tx = this.database): Promise<Commitment | undefined> {
    const rows = await tx.query<CommitmentRow>(
      'SELECT * FROM commitments WHERE bundle_id = $1 AND idempotency_key = $2',
      [bundleId, idempotencyKey],
    );
    return rows[0] && toCommitment(rows[0]);
  }

  /** `false` when the bundle used this idempotency key before. Waits for whoever is using it at this moment. */
  async insert(tx: Tx, commitment: NewCommitment): Promise<boolean> {
    const rows = await tx.query(
      `INSERT INTO commitments
         (jti, bundle_id, key_id, idempotency_key, request_hash, audience, cents, attestation, hold_exp, state)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'held')
       ON CONFLICT (bundle_id, idempotency_key) DO NOTHING RETURNING jti`,
      [
        commitment.jti,
        commitment.bundleId,
        commitment.keyId,
        commitment.idempotencyKey,
        commitment.requestHash,
        commitment.audience,
        commitment.cents,
        commitment.attestation,
        commitment.holdExp,
      ],
    );
    return rows.length === 1;
  }

  /** The commitment as nobody else can change it until `tx` ends. */
  async lock(tx: Tx, jti: string): Promise<Commitment | undefined> {
    const rows = await tx.query<CommitmentRow>('SELECT * FROM commitments WHERE jti = $1 FOR UPDATE', [jti]);
    return rows[0] && toCommitment(rows[0]);
  }

  /** Moves a commitment that `tx` has locked. `false` when its state allows no such step. */
  async close(
    tx: Tx,
    jti: string,
    to: Exclude<CommitmentState, 'held'>,
    settled?: { readonly hash: string; readonly result: Settlement },
  ): Promise<boolean> {
    const from = (Object.keys(COMMITMENT_TRANSITIONS) as CommitmentState[]).filter((state) =>
      COMMITMENT_TRANSITIONS[state].includes(to),
    );
    const rows = await tx.query(
      `UPDATE commitments SET state = $2, settle_hash = $4, result = $5, closed_at = now()
        WHERE jti = $1 AND state = ANY ($3) RETURNING jti`,
      [jti, to, from, settled?.hash ?? null, settled === undefined ? null : JSON.stringify(settled.result)],
    );
    return rows.length === 1;
  }

  /** Commitments that nobody settled in time. */
  async overdue(limit: number): Promise<string[]> {
    const rows = await this.database.query<{ jti: string }>(
      `SELECT jti FROM commitments WHERE state = 'held' AND hold_exp < now() ORDER BY hold_exp LIMIT $1`,
      [limit],
    );
    return rows.map(({ jti }) => jti);
  }
}

/** The hold behind a commitment. */
export const holdOf = ({ jti, bundleId, cents }: Pick<Commitment, 'jti' | 'bundleId' | 'cents'>): LedgerHold => ({
  id: jti,
  account: customerCredits(bundleId, 'USD'),
  amount: fromCents(cents),
});

interface CommitmentRow {
  jti: string;
  bundle_id: string;
  request_hash: string;
  audience: string;
  cents: bigint;
  attestation: string;
  state: CommitmentState;
  hold_exp: Date;
  settle_hash: string | null;
  result: Settlement | null;
}

const toCommitment = (row: CommitmentRow): Commitment => ({
  jti: row.jti,
  bundleId: row.bundle_id,
  requestHash: row.request_hash,
  audience: row.audience,
  cents: row.cents,
  attestation: row.attestation,
  state: row.state,
  holdExp: row.hold_exp,
  settleHash: row.settle_hash,
  result: row.result,
});
