import { Injectable } from '@nestjs/common';
import type { Hex } from 'viem';
import { Batcher, untilRepeated } from '../../common/batcher';
import { DatabaseService } from '../../database/database.service';
import type { ChannelConfig } from '../../evm/typed-digest';
import type { KeptAnswer, PendingCapture } from '../claim';
import { HELD_UP_BY_NOBODY } from '../held-up-by-nobody';
import type { Channel, ChannelState } from './channel';
import { type ChannelRow, toChannel } from './channel-row';
import {
  type Charge,
  chargeChannels,
  findChannels,
  type Reservation,
  reserveChannels,
  type VoucherUse,
} from './channel-statements';

/** What goes into one statement. */
const MOST_AT_ONCE = 128;

/** Channels in PostgreSQL. Every change of one is one statement, so that replicas never meet in the middle of it. */
@Injectable()
export class ChannelsService {
  private readonly finding: Batcher<Hex, Channel | undefined>;
  private readonly reserving: Batcher<Reservation, Channel | undefined>;
  private readonly charging: Batcher<Charge, Channel | undefined>;

  constructor(private readonly database: DatabaseService) {
    this.finding = new Batcher((ids) => findChannels(database, ids), {
      ...HELD_UP_BY_NOBODY,
      together: () => MOST_AT_ONCE,
    });
    this.reserving = new Batcher((asked) => reserveChannels(database, asked), {
      ...HELD_UP_BY_NOBODY,
      together: (queue) => untilRepeated(queue, ({ id }) => id, MOST_AT_ONCE),
    });
    this.charging = new Batcher((charges) => chargeChannels(database, charges), {
      ...HELD_UP_BY_NOBODY,
      together: (queue) => untilRepeated(queue, ({ use }) => use.channelId, MOST_AT_ONCE),
    });
  }

  /** As it was when this was asked, or later. */
  find(id: Hex): Promise<Channel | undefined> {
    return this.finding.submit(id);
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
  reserve(id: Hex, key: string, callId: string): Promise<Channel | undefined> {
    return this.reserving.submit({ id, key, callId });
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
  charge(
    use: VoucherUse,
    atoms: bigint,
    kept: { capture: PendingCapture; answer: KeptAnswer | undefined },
  ): Promise<Channel | undefined> {
    return this.charging.submit({ use, atoms, state: 'settling', ...kept });
  }

  /** Charges a call's ceiling before its work: the claim stays `working`, and says that it is paid. */
  prepay(use: VoucherUse, ceiling: bigint, mark: string): Promise<Channel | undefined> {
    return this.charging.submit({ use, atoms: ceiling, state: 'working', mark });
  }

  /** A refund is done, and the chain as it was read since: what it says may have been seen here before. */
  async refunded(id: Hex, callId: string, state: ChannelState): Promise<Channel> {
    const channel = await this.sync(id, state);
    await this.free(id, callId);
    return channel;
  }

  /** How many refunds of the channel's payer were made in its withdraw delay, or are being made: on all its channels. */
  async refundsLately({ customerId, config }: Channel): Promise<number> {
    const [row] = await this.database.query<{ count: number }>(
      `SELECT count(*)::int AS count FROM claims
        WHERE customer_id = $1 AND scheme = 'channel-refund' AND state <> 'released'
          AND updated_at > now() - make_interval(secs => $2)`,
      [customerId, config.withdrawDelay],
    );
    return row?.count ?? 0;
  }

  async sync(id: Hex, state: ChannelState): Promise<Channel> {
    const [channel] = await this.syncMany([id], [state]);
    return channel as Channel;
  }

  /** The chain, as it was just read. Claims only grow: a node that lags behind takes nothing back. */
  async syncMany(ids: readonly Hex[], states: readonly ChannelState[]): Promise<Channel[]> {
    const rows = await this.database.query<ChannelRow>(
      `WITH locked AS (
         SELECT channel_id FROM channels WHERE channel_id = ANY ($1) ORDER BY channel_id FOR NO KEY UPDATE
       )
       UPDATE channels SET balance = seen.balance, total_claimed = greatest(total_claimed, seen.claimed),
              withdraw_requested_at = seen.requested_at, refund_nonce = greatest(refund_nonce, seen.nonce),
              synced_at = now(),
              unclaimed_since = CASE WHEN charged > greatest(total_claimed, seen.claimed) THEN unclaimed_since END
         FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[])
              AS seen (id, balance, claimed, requested_at, nonce) JOIN locked ON locked.channel_id = id
        WHERE channels.channel_id = seen.id RETURNING channels.*`,
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
}
