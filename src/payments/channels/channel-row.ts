import type { Hex } from 'viem';
import type { ChannelConfig } from '../../evm/typed-digest';
import type { Channel } from './channel';

/** A row of `channels`. */
export interface ChannelRow {
  channel_id: Hex;
  network: string;
  customer_id: string;
  config: ChannelConfig;
  charged: bigint;
  signed_max: bigint;
  signature: Hex | null;
  balance: bigint;
  total_claimed: bigint;
  withdraw_requested_at: bigint;
  refund_nonce: bigint;
  synced_at: Date | null;
}

export const toChannel = (row: ChannelRow): Channel => ({
  id: row.channel_id,
  network: row.network,
  customerId: row.customer_id,
  config: row.config,
  charged: row.charged,
  signedMax: row.signed_max,
  signature: row.signature,
  balance: row.balance,
  totalClaimed: row.total_claimed,
  withdrawRequestedAt: row.withdraw_requested_at,
  refundNonce: row.refund_nonce,
  syncedAt: row.synced_at,
});
