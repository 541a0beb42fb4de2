import { Injectable } from '@nestjs/common';
import type { Channel as SdkChannel, ChannelStorage, ChannelUpdateResult } from '@x402/evm/batch-settlement/server';
import type { Hex } from 'viem';
import { CustomersService } from '../../customers/customers.service';
import { DatabaseService } from '../../database/database.service';
import type { Tx } from '../../database/tx';
import type { ChannelConfig } from '../../evm/typed-digest';
import { LEASE_SECONDS } from '../claim-leases.service';
import { ChannelAuthorizers } from './channel-authorizers.service';
import type { ChannelRow } from './channel-row';

type Reservation = NonNullable<SdkChannel['pendingRequest']>;
type SdkRow = ChannelRow & {
  sdk_pending: Reservation | null;
  pending_call: string | null;
  last_request_at: Date;
};

/**
 * Our channels as the published server of `@x402/evm` reads and writes them, so that its channel manager runs on the same
 * rows. Atomic across replicas: a change holds the channel's row, or its name while there is none.
 */
@Injectable()
export class SdkChannelStorage implements ChannelStorage {
  constructor(
    private readonly database: DatabaseService,
    private readonly customers: CustomersService,
    private readonly authorizers: ChannelAuthorizers,
  ) {}

  async get(channelId: string): Promise<SdkChannel | undefined> {
    const rows = await this.database.query<SdkRow>('SELECT * FROM channels WHERE channel_id = $1', [
      channelId.toLowerCase(),
    ]);
    return rows[0] && toSdk(rows[0]);
  }

  async list(): Promise<SdkChannel[]> {
    return (await this.database.query<SdkRow>('SELECT * FROM channels ORDER BY channel_id')).map(toSdk);
  }

  /** @throws whatever `update` throws; then nothing is changed. A channel that owes us something is not deleted. */
  async updateChannel(
    channelId: string,
    update: (current: SdkChannel | undefined) => SdkChannel | undefined,
  ): Promise<ChannelUpdateResult> {
    const id = channelId.toLowerCase();
    return this.database.transaction(async (tx) => {
      await tx.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [`channel:${id}`]);
      const [row] = await tx.query<SdkRow>('SELECT * FROM channels WHERE channel_id = $1 FOR UPDATE', [id]);
      const current = row && toSdk(row);
      const next = update(current);
      if (next === current || (next === undefined && row && isInUse(row))) {
        return { channel: current, status: 'unchanged' };
      }
      if (next === undefined) {
        await tx.query('DELETE FROM channels WHERE channel_id = $1', [id]);
        return { channel: undefined, status: 'deleted' };
      }
      await this.write(tx, id, next, row?.pending_call ?? undefined);
      return { channel: next, status: 'updated' };
    });
  }

  private async write(tx: Tx, id: string, next: SdkChannel, ours: string | undefined): Promise<void> {
    const [network] = this.authorizers.all();
    const config = lowerCase(next.channelConfig);
    const customer = await this.customers.forWallet(tx, config.payer);
    await tx.query(
      `INSERT INTO channels (channel_id, network, customer_id, config, charged, signed_max, signature, balance,
                             total_claimed, withdraw_requested_at, refund_nonce, synced_at, last_request_at, sdk_pending,
                             unclaimed_since)
       VALUES ($1, $2, $3, $4, $5::bigint, $6, $7, $8, $9::bigint, $10, $11, $12, $13, $14,
               CASE WHEN $5::bigint > $9::bigint THEN now() END)
       ON CONFLICT (channel_id) DO UPDATE SET charged = EXCLUDED.charged, signed_max = EXCLUDED.signed_max,
         signature = EXCLUDED.signature, balance = EXCLUDED.balance, total_claimed = EXCLUDED.total_claimed,
         withdraw_requested_at = EXCLUDED.withdraw_requested_at, refund_nonce = EXCLUDED.refund_nonce,
         synced_at = EXCLUDED.synced_at, last_request_at = EXCLUDED.last_request_at, sdk_pending = EXCLUDED.sdk_pending,
         unclaimed_since = CASE WHEN EXCLUDED.charged > EXCLUDED.total_claimed
                                THEN coalesce(channels.unclaimed_since, now()) END`,
      [
        id,
        network?.network.id,
        customer.id,
        JSON.stringify(config),
        next.chargedCumulativeAmount,
        next.signedMaxClaimable,
        next.signature,
        next.balance,
        next.totalClaimed,
        next.withdrawRequestedAt,
        next.refundNonce,
        next.onchainSyncedAt === undefined ? null : new Date(next.onchainSyncedAt),
        new Date(next.lastRequestTimestamp),
        next.pendingRequest && next.pendingRequest.pendingId !== ours ? JSON.stringify(next.pendingRequest) : null,
      ],
    );
  }
}

/** It owes us something, or a call of ours is at work on it. */
const isInUse = (row: SdkRow): boolean => row.charged > row.total_claimed || row.pending_call !== null;

/** A call of ours that has the channel is a reservation to the SDK, and the other way round (`ChannelsService.reserve`). */
function reservationOf(row: SdkRow): Reservation | undefined {
  if (row.pending_call === null) return row.sdk_pending ?? undefined;
  const expiresAt = Date.now() + LEASE_SECONDS * 1000;
  return { pendingId: row.pending_call, signedMaxClaimable: row.signed_max.toString(), expiresAt };
}

const toSdk = (row: SdkRow): SdkChannel => ({
  channelId: row.channel_id,
  channelConfig: row.config,
  chargedCumulativeAmount: row.charged.toString(),
  signedMaxClaimable: row.signed_max.toString(),
  signature: row.signature ?? '0x',
  balance: row.balance.toString(),
  totalClaimed: row.total_claimed.toString(),
  withdrawRequestedAt: Number(row.withdraw_requested_at),
  refundNonce: Number(row.refund_nonce),
  lastRequestTimestamp: row.last_request_at.getTime(),
  ...(row.synced_at === null ? {} : { onchainSyncedAt: row.synced_at.getTime() }),
  ...(reservationOf(row) && { pendingRequest: reservationOf(row) as Reservation }),
});

const lowerCase = (config: SdkChannel['channelConfig']): ChannelConfig => {
  const lower = (hex: string): Hex => hex.toLowerCase() as Hex;
  return {
    payer: lower(config.payer),
    payerAuthorizer: lower(config.payerAuthorizer),
    receiver: lower(config.receiver),
    receiverAuthorizer: lower(config.receiverAuthorizer),
    token: lower(config.token),
    withdrawDelay: config.withdrawDelay,
    salt: lower(config.salt),
  };
};
