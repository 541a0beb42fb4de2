import type { Hex } from 'viem';
import type { Channel } from './channel';
import type { VoucherClaim } from './channel-contract';

/** One transaction that claims channels of one receiver and transfers to it. */
export interface ChannelClaim {
  readonly id: string;
  readonly network: string;
  readonly claims: readonly (VoucherClaim & { readonly channelId: Hex })[];
  readonly createdAt: Date;
}

/** What was sent for it is found under this. */
export const referenceOf = ({ id }: Pick<ChannelClaim, 'id'>): string => `channel-claim:${id}`;

/** What is claimed of a channel now: all that was delivered, by the newest voucher. */
export const claimOf = (channel: Channel): ChannelClaim['claims'][number] => ({
  channelId: channel.id,
  config: channel.config,
  max: channel.signedMax,
  // Only a charge makes a channel claimable, and a charge keeps its voucher.
  signature: channel.signature as Hex,
  totalClaimed: channel.charged,
});

/** A row of `channel_claims`. Amounts are decimal strings. */
export interface ChannelClaimRow {
  id: string;
  network: string;
  claims: readonly (Omit<ChannelClaim['claims'][number], 'max' | 'totalClaimed'> & {
    max: string;
    totalClaimed: string;
  })[];
  created_at: Date;
}

export const toChannelClaim = (row: ChannelClaimRow): ChannelClaim => ({
  id: row.id,
  network: row.network,
  claims: row.claims.map((claim) => ({
    ...claim,
    max: BigInt(claim.max),
    totalClaimed: BigInt(claim.totalClaimed),
  })),
  createdAt: row.created_at,
});

/** The claims as a row keeps them. */
export const claimsInRow = (claims: ChannelClaim['claims']): string =>
  JSON.stringify(claims, (_, value: unknown) => (typeof value === 'bigint' ? value.toString() : value));
