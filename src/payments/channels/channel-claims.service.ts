import { Injectable } from '@nestjs/common';
import type { Hex } from 'viem';
import { newId } from '../../common/id';
import { DatabaseService } from '../../database/database.service';
import { ChannelAuthorizers } from './channel-authorizers.service';
import { type ChannelClaim, type ChannelClaimRow, claimOf, claimsInRow, toChannelClaim } from './channel-claim';
import { type ChannelRow, toChannel } from './channel-row';
import type { OwingChannelRow } from './channels.dto';
import type { ChannelConfig } from '../../evm/typed-digest';
import { DELAY_PARTS, type Unclaimed } from './claim-policy';

/** How many channels are looked at in one run. */
const MOST_CANDIDATES = 5_000;
/** A channel that no transaction takes is tried again after so long, then twice as long, up to an hour. */
const FIRST_WAIT_SECONDS = 10;
const MOST_WAIT_SECONDS = 3600;
/** And at least so often in its withdraw delay. */
const DELAY_WAITS = 15;
/** A claim whose worker has said nothing for so long is taken over. */
const LEFT_SECONDS = 40;

/** A channel that owes us something, and what decides with which others it can be claimed. */
export type Candidate = Unclaimed & { readonly id: Hex; readonly config: ChannelConfig };

/** Claims of channels in PostgreSQL: a channel is in one claim at a time, and a claim is written down before it is sent. */
@Injectable()
export class ChannelClaims {
  constructor(
    private readonly database: DatabaseService,
    private readonly authorizers: ChannelAuthorizers,
  ) {}

  /**
   * The channels that are worth claiming now, the urgent ones first, then by value: dust never stands before them. Those
   * that no transaction took wait for their next try, and those that name another key than `authorizer` for that key.
   */
  async candidates(
    network: string,
    authorizer: Hex,
    least: { readonly urgent: bigint; readonly calm: bigint },
  ): Promise<Candidate[]> {
    const rows = await this.database.query<CandidateRow>(
      `SELECT * FROM (
         SELECT channel_id, config, charged - total_claimed AS atoms, unclaimed_since, withdraw_requested_at, claim_failures,
                withdraw_requested_at > 0 OR coalesce(unclaimed_since, '-infinity') <=
                  now() - make_interval(secs => (config->>'withdrawDelay')::float / ${DELAY_PARTS}) AS urgent
           FROM channels
          WHERE network = $1 AND charged > total_claimed AND claiming IS NULL AND charged - total_claimed > $3
            AND config->>'receiverAuthorizer' = $2 AND coalesce(claim_not_before, '-infinity') <= now()) owing
        WHERE urgent OR atoms > $4 ORDER BY urgent DESC, atoms DESC LIMIT $5`,
      [network, authorizer.toLowerCase(), least.urgent, least.calm, MOST_CANDIDATES],
    );
    return rows.map((row) => ({
      id: row.channel_id,
      config: row.config,
      atoms: row.atoms,
      sinceMs: row.unclaimed_since?.getTime() ?? 0,
      withdrawDelayMs: row.config.withdrawDelay * 1000,
      withdrawRequested: row.withdraw_requested_at > 0n,
      alone: row.claim_failures > 0,
    }));
  }

  /** What owes us something, for the operator: what no transaction takes first, then by value. */
  async owing(limit: number): Promise<OwingChannelRow[]> {
    const ours = this.authorizers.all().map(({ network, address }) => `${network.id} ${address.toLowerCase()}`);
    return this.database.query<OwingChannelRow>(
      `SELECT * FROM (
         SELECT channel_id, network, config, charged - total_claimed AS owed, withdraw_requested_at, unclaimed_since,
                claim_failures, claim_fault, claim_not_before,
                network || ' ' || (config->>'receiverAuthorizer') = ANY ($1) AS speaks_for
           FROM channels WHERE charged > total_claimed) owing
        ORDER BY NOT speaks_for OR claim_failures > 0 DESC, owed DESC LIMIT $2`,
      [ours, limit],
    );
  }

  /** Writes down what is about to be claimed; `undefined` when others claim all of it by now. */
  async open(network: string, ids: readonly Hex[]): Promise<ChannelClaim | undefined> {
    const id = newId();
    return this.database.transaction(async (tx) => {
      const rows = await tx.query<ChannelRow>(
        `UPDATE channels SET claiming = $1 WHERE channel_id IN
           (SELECT channel_id FROM channels WHERE channel_id = ANY ($2) AND claiming IS NULL AND charged > total_claimed
             ORDER BY channel_id FOR UPDATE SKIP LOCKED)
         RETURNING *`,
        [id, ids],
      );
      if (rows.length === 0) return undefined;
      const claims = rows.map((row) => claimOf(toChannel(row)));
      const [made] = await tx.query<ChannelClaimRow>(
        `INSERT INTO channel_claims (id, network, claims, state) VALUES ($1, $2, $3, 'settling') RETURNING *`,
        [id, network, claimsInRow(claims)],
      );
      return toChannelClaim(made as ChannelClaimRow);
    });
  }

  /** Takes over the claims that somebody left unfinished. */
  async left(): Promise<ChannelClaim[]> {
    const rows = await this.database.query<ChannelClaimRow>(
      `UPDATE channel_claims SET updated_at = now()
        WHERE state = 'settling' AND updated_at < now() - make_interval(secs => $1) RETURNING *`,
      [LEFT_SECONDS],
    );
    return rows.map(toChannelClaim);
  }

  /**
   * Ends a claim. `claimed` is what was claimed of each of its channels by now, in their order; `faulty` are those that
   * no transaction takes, with the reason: each waits twice as long as the last time, up to a part of its withdraw delay.
   */
  async close(
    claim: ChannelClaim,
    ended: {
      state: 'settled' | 'failed';
      transaction: Hex | undefined;
      reason: string | undefined;
      claimed: readonly bigint[];
      faulty: ReadonlyMap<Hex, string>;
    },
  ): Promise<void> {
    await this.database.transaction(async (tx) => {
      await tx.query(
        `WITH locked AS (
           SELECT channel_id FROM channels WHERE channel_id = ANY ($2) ORDER BY channel_id FOR NO KEY UPDATE
         )
         UPDATE channels SET total_claimed = greatest(total_claimed, now_claimed), claiming = NULL,
                claim_failures = CASE WHEN fault IS NULL THEN 0 ELSE claim_failures + 1 END, claim_fault = fault,
                claim_not_before = CASE WHEN fault IS NOT NULL THEN now() + make_interval(secs => least(
                  ${FIRST_WAIT_SECONDS} * 2 ^ least(claim_failures, 20), ${MOST_WAIT_SECONDS},
                  (config->>'withdrawDelay')::float / ${DELAY_WAITS})) END,
                unclaimed_since = CASE WHEN charged <= greatest(total_claimed, now_claimed) THEN NULL
                                       WHEN $5 = 'settled' THEN $6 ELSE unclaimed_since END
           FROM unnest($2::text[], $3::bigint[], $4::text[]) AS ended (id, now_claimed, fault)
                JOIN locked ON locked.channel_id = id
          WHERE channels.channel_id = ended.id AND claiming = $1`,
        [
          claim.id,
          claim.claims.map(({ channelId }) => channelId),
          ended.claimed.map(String),
          claim.claims.map(({ channelId }) => ended.faulty.get(channelId) ?? null),
          ended.state,
          claim.createdAt,
        ],
      );
      await tx.query(
        `UPDATE channel_claims SET state = $2, transaction = $3, reason = $4, updated_at = now() WHERE id = $1`,
        [claim.id, ended.state, ended.transaction ?? null, ended.reason ?? null],
      );
    });
  }
}

interface CandidateRow {
  channel_id: Hex;
  config: ChannelConfig;
  atoms: bigint;
  unclaimed_since: Date | null;
  withdraw_requested_at: bigint;
  claim_failures: number;
}
