import { Injectable } from '@nestjs/common';
import type { Hex } from 'viem';
import { DatabaseService } from '../../database/database.service';
import type { ChannelConfig } from '../../evm/typed-digest';
import { type KeptAnswer, MAX_KEPT_BYTES, type PendingCapture } from '../claim';
import type { Channel, ChannelState } from './channel';
import { type ChannelRow, toChannel } from './channel-row';

/** One call's use of a channel: the claim that has reserved it, and the voucher that pays. */
export interface VoucherUse {
  readonly key: string;
  readonly callId: string;
  readonly channelId: Hex;
  readonly max: bigint;
  readonly signature: Hex;
}

/** The claim and its channel move in one statement: what is charged is kept with its answer, whatever happens next. */
const CHARGE = `
  WITH moved AS (
    UPDATE claims SET state = $7, capture = coalesce($8, capture), answer_status = coalesce($9, answer_status),
           answer_headers = coalesce($10, answer_headers), answer_body = coalesce($11, answer_body),
           transaction = coalesce($12, transaction), updated_at = now()
     WHERE key = $1 AND call_id = $2 AND state = 'working'
       AND EXISTS (SELECT FROM channels WHERE channel_id = $3 AND pending_call = $2)
    RETURNING key
  )
  UPDATE channels SET charged = charged + $6, pending_key = NULL, pending_call = NULL,
         signed_max = CASE WHEN $6 > 0 THEN $4 ELSE signed_max END,
         signature = CASE WHEN $6 > 0 THEN $5 ELSE signature END,
         unclaimed_since = CASE WHEN $6 > 0 THEN coalesce(unclaimed_since, now()) ELSE unclaimed_since END
    FROM moved
   WHERE channel_id = $3 AND pending_call = $2
  RETURNING channels.*`;

/** Channels in PostgreSQL. Every change of one is one statement, so that replicas never meet in the middle of it. */
@Injectable()
export class ChannelsService {
  constructor(private readonly database: DatabaseService) {}

  async find(id: Hex): Promise<Channel | undefined> {
    const rows = await this.database.query<ChannelRow>('SELECT * FROM channels WHERE channel_id = $1', [id]);
    return rows[0] && toChannel(rows[0]);
  }

  /** A channel that is seen for the first time: what the chain says was claimed before was charged before. */
  async adopt(opened: {
    id: Hex;
    network: string;
    customerId: string;
    config: ChannelConfig;
    state: ChannelState;
  }): Promise<Channel> {
    const { id, network, customerId, config, state } = opened;
    await this.database.query(
      `INSERT INTO channels (channel_id, network, customer_id, config, charged, signed_max, balance, total_claimed,
                             withdraw_requested_at, refund_nonce, synced_at)
       VALUES ($1, $2, $3, $4, $6, $6, $5, $6, $7, $8, now()) ON CONFLICT DO NOTHING`,
      [
        id,
        network,
        customerId,
        JSON.stringify(config),
        state.balance,
        state.totalClaimed,
        state.withdrawRequestedAt,
        state.refundNonce,
      ],
    );
    return (await this.find(id)) as Channel;
  }

  /** Takes the channel for one call; `undefined` while another one has it. */
  async reserve(id: Hex, key: string, callId: string): Promise<Channel | undefined> {
    const rows = await this.database.query<ChannelRow>(
      `UPDATE channels SET pending_key = $2, pending_call = $3, last_request_at = now()
        WHERE channel_id = $1 AND pending_call IS NULL
          AND coalesce((sdk_pending->>'expiresAt')::numeric, 0) <= extract(epoch FROM now()) * 1000
       RETURNING *`,
      [id, key, callId],
    );
    return rows[0] && toChannel(rows[0]);
  }

  async free(id: Hex, callId: string): Promise<void> {
    await this.database.query(
      'UPDATE channels SET pending_key = NULL, pending_call = NULL WHERE channel_id = $1 AND pending_call = $2',
      [id, callId],
    );
  }

  /** Frees what workers that died had reserved. Only what was seen dead: the channel may have been taken since. */
  async freeAbandoned(): Promise<void> {
    await this.database.query(
      `UPDATE channels SET pending_key = NULL, pending_call = NULL
         FROM (SELECT channel_id, pending_call FROM channels
                WHERE pending_call IS NOT NULL AND last_request_at < now() - interval '5 seconds'
                  AND NOT EXISTS (SELECT FROM claims WHERE key = pending_key AND call_id = pending_call
                                     AND state IN ('working', 'settling', 'in_doubt'))) AS dead
        WHERE channels.channel_id = dead.channel_id AND channels.pending_call = dead.pending_call`,
    );
  }

  /** Charges a delivered call, and keeps its answer. `undefined`: the claim is not this worker's any more. */
  async charge(
    use: VoucherUse,
    atoms: bigint,
    kept: { capture: PendingCapture; answer: KeptAnswer | undefined },
  ): Promise<Channel | undefined> {
    const answer = kept.answer && kept.answer.body.length <= MAX_KEPT_BYTES ? kept.answer : undefined;
    return this.move(use, atoms, [
      'settling',
      JSON.stringify(kept.capture),
      answer?.status ?? null,
      answer === undefined ? null : JSON.stringify(answer.headers),
      answer?.body ?? null,
      null,
    ]);
  }

  /** Charges a call's ceiling before its work: the claim stays `working`, and says that it is paid. */
  async prepay(use: VoucherUse, ceiling: bigint, mark: string): Promise<Channel | undefined> {
    return this.move(use, ceiling, ['working', null, null, null, null, mark]);
  }

  /** A refund is done, and the chain as it was read since: what it says may have been seen here before. */
  async refunded(id: Hex, callId: string, state: ChannelState): Promise<Channel> {
    const channel = await this.sync(id, state);
    await this.free(id, callId);
    return channel;
  }

  async sync(id: Hex, state: ChannelState): Promise<Channel> {
    const [channel] = await this.syncMany([id], [state]);
    return channel as Channel;
  }

  /** The chain, as it was just read. Claims only grow: a node that lags behind takes nothing back. */
  async syncMany(ids: readonly Hex[], states: readonly ChannelState[]): Promise<Channel[]> {
    const rows = await this.database.query<ChannelRow>(
      `UPDATE channels SET balance = seen.balance, total_claimed = greatest(total_claimed, seen.claimed),
              withdraw_requested_at = seen.requested_at, refund_nonce = greatest(refund_nonce, seen.nonce),
              synced_at = now(),
              unclaimed_since = CASE WHEN charged > greatest(total_claimed, seen.claimed) THEN unclaimed_since END
         FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[])
              AS seen (id, balance, claimed, requested_at, nonce)
        WHERE channel_id = seen.id RETURNING channels.*`,
      [
        ids,
        states.map(({ balance }) => balance.toString()),
        states.map(({ totalClaimed }) => totalClaimed.toString()),
        states.map(({ withdrawRequestedAt }) => withdrawRequestedAt.toString()),
        states.map(({ refundNonce }) => refundNonce.toString()),
      ],
    );
    return rows.map(toChannel);
  }

  /** Channels whose payer may be taking money back: those with something unclaimed, and those in use. */
  async watched(network: string, limit: number): Promise<Channel[]> {
    const rows = await this.database.query<ChannelRow>(
      `SELECT * FROM channels
        WHERE network = $1 AND (charged > total_claimed OR last_request_at > now() - interval '10 minutes')
        ORDER BY synced_at NULLS FIRST LIMIT $2`,
      [network, limit],
    );
    return rows.map(toChannel);
  }

  private async move(use: VoucherUse, atoms: bigint, change: readonly unknown[]): Promise<Channel | undefined> {
    const { key, callId, channelId, max, signature } = use;
    const parameters = [key, callId, channelId, max, signature, atoms, ...change];
    const rows = await this.database.query<ChannelRow>(CHARGE, parameters);
    return rows[0] && toChannel(rows[0]);
  }
}
