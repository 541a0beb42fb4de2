import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { DatabaseService } from '../database/database.service';
import { ClaimLeases, LEASE_SECONDS } from './claim-leases.service';
import {
  CLAIM_TRANSITIONS,
  CLAIMABLE,
  type Claim,
  type ClaimState,
  type KeptAnswer,
  MAX_KEPT_BYTES,
  type PendingCapture,
} from './claim';

export interface NewClaim {
  readonly key: string;
  readonly scheme: string;
  readonly fingerprint: string;
  readonly callId: string;
  readonly customerId: string | null;
  readonly payment: unknown;
  readonly validBefore: Date | null;
  /** Left out: a short lease, renewed while this process works on the claim. */
  readonly leaseSeconds?: number;
}

export interface ClaimChange {
  readonly callId?: string;
  readonly capture?: PendingCapture;
  readonly answer?: KeptAnswer | undefined;
  readonly transaction?: string;
  readonly reason?: string;
  readonly leaseSeconds?: number;
}

const POLL_MS = 50;

/** Claims in PostgreSQL: at however many replicas the copies of a payment arrive, one wins. */
@Injectable()
export class ClaimsService {
  /** Copies that wait for the same claim in this process share one poll. */
  private readonly waits = new Map<string, Promise<Claim | undefined>>();

  constructor(
    private readonly database: DatabaseService,
    private readonly leases: ClaimLeases,
  ) {}

  async find(key: string): Promise<Claim | undefined> {
    const rows = await this.database.query<ClaimRow>('SELECT * FROM claims WHERE key = $1', [key]);
    return rows[0] && toClaim(rows[0]);
  }

  /**
   * Claims the key for this call. The winner gets the claim; everyone else `undefined`, and finds the claim as it is.
   * A claim that was released, or paid without an answer, is taken over.
   */
  async take(claim: NewClaim): Promise<Claim | undefined> {
    const rows = await this.database.query<ClaimRow>(
      `INSERT INTO claims AS old (key, scheme, state, fingerprint, call_id, customer_id, payment, valid_before, lease_until)
       VALUES ($1, $2, 'working', $3, $4, $5, $6, $7, now() + make_interval(secs => $8))
       ON CONFLICT (key) DO UPDATE SET state = 'working', call_id = $4, lease_until = EXCLUDED.lease_until, updated_at = now()
         WHERE old.fingerprint = $3 AND old.state = ANY ($9)
       RETURNING *`,
      [
        claim.key,
        claim.scheme,
        claim.fingerprint,
        claim.callId,
        claim.customerId,
        claim.payment === null ? null : JSON.stringify(claim.payment),
        claim.validBefore,
        claim.leaseSeconds ?? LEASE_SECONDS,
        CLAIMABLE,
      ],
    );
    if (rows[0] && claim.leaseSeconds === undefined) this.leases.keep(claim.key, claim.callId);
    return rows[0] && toClaim(rows[0]);
  }

  /** Moves a claim on. `false` when it was no longer in a state from which `to` can be reached: somebody else moved it. */
  async move(key: string, callId: string, to: ClaimState, change: ClaimChange = {}): Promise<boolean> {
    const from = (Object.keys(CLAIM_TRANSITIONS) as ClaimState[]).filter((state) =>
      CLAIM_TRANSITIONS[state].includes(to),
    );
    const answer = change.answer && change.answer.body.length <= MAX_KEPT_BYTES ? change.answer : undefined;
    if (to !== 'working' && to !== 'settling') this.leases.drop(key, callId);
    const rows = await this.database.query<{ key: string }>(
      `UPDATE claims SET state = $3, capture = coalesce($5, capture), answer_status = coalesce($6, answer_status),
         answer_headers = coalesce($7, answer_headers), answer_body = coalesce($8, answer_body),
         transaction = coalesce($9, transaction), reason = coalesce($10, reason),
         lease_until = coalesce(now() + make_interval(secs => $11), lease_until), updated_at = now()
       WHERE key = $1 AND call_id = $2 AND state = ANY ($4) RETURNING key`,
      [
        key,
        callId,
        to,
        from,
        change.capture === undefined ? null : JSON.stringify(change.capture),
        answer?.status ?? null,
        answer === undefined ? null : JSON.stringify(answer.headers),
        answer?.body ?? null,
        change.transaction ?? null,
        change.reason ?? null,
        change.leaseSeconds ?? null,
      ],
    );
    return rows.length === 1;
  }

  /** This process cannot finish the claim: when its lease runs out, the reconciler does. */
  leave(key: string, callId: string): void {
    this.leases.drop(key, callId);
  }

  /** Frees a claim whose worker died. `false` when it lives after all, or somebody else was faster. */
  async abandon(claim: Claim, to: 'released' | 'paid'): Promise<boolean> {
    const rows = await this.database.query(
      `UPDATE claims SET state = $3, updated_at = now()
        WHERE key = $1 AND call_id = $2 AND state = 'working' AND lease_until < now() RETURNING key`,
      [claim.key, claim.callId, to],
    );
    return rows.length === 1;
  }

  /** Waits until nobody works on the claim any more, at most `milliseconds`. Returns it as it is then. */
  async settled(key: string, milliseconds: number): Promise<Claim | undefined> {
    const waiting = this.waits.get(key) ?? this.poll(key, milliseconds).finally(() => this.waits.delete(key));
    this.waits.set(key, waiting);
    return waiting;
  }

  /** Claims that nobody is working on though they are not finished: their worker died, or the chain was silent. */
  async abandoned(scheme: string, states: readonly ClaimState[], limit = 100): Promise<Claim[]> {
    const rows = await this.database.query<ClaimRow>(
      `SELECT * FROM claims WHERE scheme = $1 AND state = ANY ($2) AND lease_until < now() ORDER BY lease_until LIMIT $3`,
      [scheme, states, limit],
    );
    return rows.map(toClaim);
  }

  /** Forgets answers that nobody can ask for any more. The claims themselves stay: a payment is used once for ever. */
  async forgetAnswers(hours: number): Promise<void> {
    await this.database.query(
      `UPDATE claims SET answer_body = NULL, answer_headers = NULL, answer_status = NULL
        WHERE created_at < now() - make_interval(hours => $1) AND answer_body IS NOT NULL AND state = 'settled'`,
      [hours],
    );
  }

  private async poll(key: string, milliseconds: number): Promise<Claim | undefined> {
    const deadline = Date.now() + milliseconds;
    for (;;) {
      const claim = await this.find(key);
      const busy = claim?.state === 'working' || claim?.state === 'settling';
      if (!busy || Date.now() >= deadline) return claim;
      await sleep(POLL_MS);
    }
  }
}

interface ClaimRow {
  key: string;
  scheme: string;
  state: ClaimState;
  fingerprint: string;
  call_id: string;
  customer_id: string | null;
  payment: unknown;
  capture: PendingCapture | null;
  answer_status: number | null;
  answer_headers: Record<string, string> | null;
  answer_body: Buffer | null;
  transaction: string | null;
  reason: string | null;
  valid_before: Date | null;
}

const toClaim = (row: ClaimRow): Claim => ({
  key: row.key,
  scheme: row.scheme,
  state: row.state,
  fingerprint: row.fingerprint,
  callId: row.call_id,
  customerId: row.customer_id,
  payment: row.payment,
  capture: row.capture,
  answer:
    row.answer_status === null || row.answer_body === null
      ? undefined
      : { status: row.answer_status, headers: row.answer_headers ?? {}, body: row.answer_body },
  transaction: row.transaction,
  reason: row.reason,
  validBefore: row.valid_before,
});
