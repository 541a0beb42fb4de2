import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { Batcher, untilRepeated } from '../common/batcher';
import { DatabaseService } from '../database/database.service';
import type { Tx } from '../database/tx';
import { BalanceShares } from './balance-shares';
import { ClaimLeases } from './claim-leases.service';
import {
  type Claim,
  type ClaimChange,
  type ClaimRefusal,
  type ClaimState,
  type ExposureLimit,
  LEASE_LOST,
  type NewClaim,
} from './claim';
import { type ClaimRow, toClaim } from './claim-row';
import { type AskedClaim, findClaims, type Move, moveClaims, takeClaims } from './claim-statements';
import { Exposures } from './exposures.service';
import { HELD_UP_BY_NOBODY } from './held-up-by-nobody';

const POLL_MS = 50;

/** What goes into one statement: as many as a burst brings, and as many bytes as PostgreSQL reads at a breath. */
const MOST_AT_ONCE = 256;
const MOST_BYTES = 1024 * 1024;
/** Somebody is at it, and keeps its lease. */
const WORKED_ON: readonly ClaimState[] = ['working', 'settling', 'promised'];

/** Claims in PostgreSQL: at however many replicas the copies of a payment arrive, one wins. */
@Injectable()
export class ClaimsService {
  private readonly shares = new BalanceShares();

  /** Copies that wait for the same claim in this process share one poll. */
  private readonly waits = new Map<string, Promise<Claim | undefined>>();

  private readonly finding: Batcher<string, Claim | undefined>;
  private readonly taking: Batcher<AskedClaim, Claim | ClaimRefusal>;
  private readonly moving: Batcher<Move, boolean>;

  constructor(
    private readonly database: DatabaseService,
    private readonly leases: ClaimLeases,
    private readonly exposures: Exposures,
  ) {
    this.finding = new Batcher((keys) => findClaims(database, keys), {
      ...HELD_UP_BY_NOBODY,
      together: () => MOST_AT_ONCE,
    });
    this.taking = new Batcher((asked) => takeClaims(database, asked), {
      ...HELD_UP_BY_NOBODY,
      together: (queue) => untilRepeated(queue, ({ claim }) => claim.key, MOST_AT_ONCE),
    });
    this.moving = new Batcher((moves) => moveClaims(database, moves), {
      ...HELD_UP_BY_NOBODY,
      together: (queue) =>
        Math.min(
          untilRepeated(queue, ({ key }) => key, MOST_AT_ONCE),
          untilTooLarge(queue),
        ),
    });
  }

  /** As it was when this was asked, or later. */
  find(key: string): Promise<Claim | undefined> {
    return this.finding.submit(key);
  }

  /**
   * Claims the key for this call. The winner gets the claim; everyone else `'taken'`, and finds the claim as it is.
   * A claim that was released, or paid without an answer, is taken over. `'owing'`: the wallet behind it has a debt.
   * With a limit `'over_exposed'`: what unfinished claims may still cost us, this one with it, is too much; with a share:
   * the payer's balance does not bear it.
   */
  async take(claim: NewClaim, limit?: ExposureLimit): Promise<Claim | ClaimRefusal> {
    const giveBack = claim.share ? this.shares.take(claim.key, claim.share) : () => undefined;
    if (!giveBack) return 'over_exposed';
    let isKept = false;
    try {
      const taken = await (limit === undefined
        ? this.taking.submit({ claim })
        : this.database.transaction((tx) => this.takeWithin(tx, claim, limit)));
      if (typeof taken !== 'string' && claim.leaseSeconds === undefined) {
        this.leases.keep(claim.key, claim.callId, giveBack);
        isKept = true;
      }
      return taken;
    } finally {
      if (!isKept) giveBack();
    }
  }

  private async takeWithin(tx: Tx, claim: NewClaim, limit: ExposureLimit): Promise<Claim | ClaimRefusal> {
    if (!(await this.exposures.bears(tx, claim.key, limit))) return 'over_exposed';
    const [taken = 'taken'] = await takeClaims(tx, [{ claim, limit }]);
    return taken;
  }

  /** Moves a claim on. `false` when it was no longer in a state from which `to` can be reached: somebody else moved it. */
  async move(key: string, callId: string, to: ClaimState, change: ClaimChange = {}): Promise<boolean> {
    if (!WORKED_ON.includes(to)) this.leases.drop(key, callId);
    return this.moving.submit({ key, callId, to, change });
  }

  /** This process cannot finish the claim: when its lease runs out, the reconciler does. */
  leave(key: string, callId: string): void {
    this.leases.drop(key, callId);
  }

  /** As `leave`, for a call that threw and may have claimed its payment before. */
  leaveCall(callId: string): void {
    this.leases.dropCall(callId);
  }

  /**
   * Frees a claim whose worker died, or could not renew its lease: that one may go on until somebody else takes the claim
   * over. `false` when it lives after all, or somebody else was faster.
   */
  async abandon(claim: Claim, to: 'released' | 'paid'): Promise<boolean> {
    const rows = await this.database.query(
      `UPDATE claims SET state = $3, reason = $4, updated_at = now()
        WHERE key = $1 AND call_id = $2 AND state = 'working' AND lease_until < now() RETURNING key`,
      [claim.key, claim.callId, to, LEASE_LOST],
    );
    return rows.length === 1;
  }

  /** Waits until nobody works on the claim any more, at most `milliseconds`. Returns it as it is then. */
  async settled(key: string, milliseconds: number): Promise<Claim | undefined> {
    const waiting = this.waits.get(key) ?? this.poll(key, milliseconds).finally(() => this.waits.delete(key));
    this.waits.set(key, waiting);
    return waiting;
  }

  /** Claims that nobody is working on though they are not finished: their worker died, or the chain was silent. On one network, where it is named. */
  async abandoned(scheme: string, states: readonly ClaimState[], limit = 100, network?: string): Promise<Claim[]> {
    const rows = await this.database.query<ClaimRow>(
      `SELECT * FROM claims WHERE scheme = $1 AND state = ANY ($2) AND lease_until < now()
          AND ($4::text IS NULL OR payment->'requirements'->>'network' = $4) ORDER BY lease_until LIMIT $3`,
      [scheme, states, limit, network],
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

function untilTooLarge(moves: readonly Move[]): number {
  let bytes = 0;
  const end = moves.findIndex(({ change }) => (bytes += change.answer?.body.length ?? 0) > MOST_BYTES);
  return end < 0 ? moves.length : end;
}
