import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { DatabaseService } from '../database/database.service';
import type { Tx } from '../database/tx';
import { customerCredits } from '../ledger/ledger-account';
import { ClaimLeases, LEASE_SECONDS } from './claim-leases.service';
import {
  CLAIM_TRANSITIONS,
  CLAIMABLE,
  type Claim,
  type ClaimState,
  MAX_KEPT_BYTES,
  type ClaimChange,
  type ClaimRefusal,
  type ExposureLimit,
  type NewClaim,
} from './claim';
import { type ClaimRow, toClaim } from './claim-row';

const POLL_MS = 50;
/** A lease that backs off is this part of the claim's age, and at most so many seconds. */
const BACK_OFF_PART = 8;
const BACK_OFF_MOST = 600;

/** Always one row: the claim if it was taken, and whether its wallet owes us something. */
const TAKE = `
  WITH debt AS (
    SELECT EXISTS (SELECT FROM ledger_accounts WHERE code = $13 AND asset = 'USDC' AND frozen) AS owing
  ), taken AS (
    INSERT INTO claims AS old (key, scheme, state, fingerprint, call_id, customer_id, payment, valid_before, lease_until,
                               payer, network, exposure)
    SELECT $1, $2, 'working', $3, $4, $5, $6, $7, now() + make_interval(secs => $8), $10, $11, $12
      FROM debt WHERE NOT owing
    ON CONFLICT (key) DO UPDATE SET state = 'working', call_id = $4, exposure = $12, lease_until = EXCLUDED.lease_until,
      -- What is not settled yet is settled as it was verified last.
      payment = CASE WHEN old.transaction IS NULL THEN EXCLUDED.payment ELSE old.payment END, updated_at = now()
      WHERE old.fingerprint = $3 AND old.state = ANY ($9)
    RETURNING *
  ) SELECT debt.owing, taken.* FROM debt LEFT JOIN taken ON true`;

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
   * Claims the key for this call. The winner gets the claim; everyone else `'taken'`, and finds the claim as it is.
   * A claim that was released, or paid without an answer, is taken over. `'owing'`: the wallet behind it has a debt.
   * With a limit `'over_exposed'`: what the payer's unfinished claims may still cost us, this one with it, is too much.
   */
  async take(claim: NewClaim, limit?: ExposureLimit): Promise<Claim | ClaimRefusal> {
    const taken = await (limit === undefined
      ? this.insert(this.database, claim, undefined)
      : this.database.transaction((tx) => this.takeWithin(tx, claim, limit)));
    if (typeof taken !== 'string' && claim.leaseSeconds === undefined) this.leases.keep(claim.key, claim.callId);
    return taken;
  }

  /** The lock lets one claim of a payer in at a time: two that fit alone do not slip through together. */
  private async takeWithin(tx: Tx, claim: NewClaim, limit: ExposureLimit): Promise<Claim | ClaimRefusal> {
    await tx.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [
      `exposure:${limit.network}:${limit.payer}`,
    ]);
    const [row] = await tx.query<{ open: bigint }>(
      `SELECT coalesce(sum(exposure), 0)::bigint AS open FROM claims
        WHERE network = $1 AND payer = $2 AND key <> $3 AND state IN ('working', 'settling', 'in_doubt') AND exposure > 0`,
      [limit.network, limit.payer, claim.key],
    );
    if ((row?.open ?? 0n) + limit.exposure > limit.most) return 'over_exposed';
    return this.insert(tx, claim, limit);
  }

  private async insert(tx: Tx, claim: NewClaim, limit: ExposureLimit | undefined): Promise<Claim | ClaimRefusal> {
    const rows = await tx.query<ClaimRow & { owing: boolean }>(TAKE, [
      claim.key,
      claim.scheme,
      claim.fingerprint,
      claim.callId,
      claim.customerId,
      claim.payment === null ? null : JSON.stringify(claim.payment),
      claim.validBefore,
      claim.leaseSeconds ?? LEASE_SECONDS,
      CLAIMABLE,
      limit?.payer ?? null,
      limit?.network ?? null,
      limit?.exposure ?? 0n,
      claim.customerId === null || claim.despiteDebt ? '' : customerCredits(claim.customerId, 'USDC').code,
    ]);
    const [row] = rows;
    if (row?.key) return toClaim(row);
    return row?.owing ? 'owing' : 'taken';
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
         lease_until = coalesce(now() + make_interval(secs => greatest($11, CASE WHEN $12
           THEN least(extract(epoch FROM now() - created_at)::float / ${BACK_OFF_PART}, ${BACK_OFF_MOST}) END)), lease_until),
         updated_at = now()
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
        change.backOff === true,
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
