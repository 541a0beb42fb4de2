import type { Hex } from 'viem';
import type { ChannelConfig } from '../../evm/typed-digest';

/**
 * A payment channel, as it is mirrored here. A channel is cumulative: each voucher names the sum of all that may ever be
 * claimed, and replaces the one before. Amounts are atoms of the channel's token.
 */
export interface Channel {
  readonly id: Hex;
  readonly network: string;
  readonly customerId: string;
  readonly config: ChannelConfig;
  /** What was delivered so far: this much is claimed, however much more was signed. */
  readonly charged: bigint;
  /** The newest voucher that was charged, and its signature; `null` before the first. */
  readonly signedMax: bigint;
  readonly signature: Hex | null;
  /** What was ever deposited and not given back, on the chain. */
  readonly balance: bigint;
  readonly totalClaimed: bigint;
  /** Unix seconds; 0 when the payer has not asked for the money back. */
  readonly withdrawRequestedAt: bigint;
  readonly refundNonce: bigint;
  /** When the chain was last asked. */
  readonly syncedAt: Date | null;
}

/** The chain's own part of a channel. */
export type ChannelState = Pick<Channel, 'balance' | 'totalClaimed' | 'withdrawRequestedAt' | 'refundNonce'>;

export type ChannelFault =
  'channel_not_found' | 'withdrawal_pending' | 'cumulative_amount_mismatch' | 'cumulative_exceeds_balance';

/**
 * Why a channel does not bear a call, in the order in which it is asked. A voucher covers all that was charged and the
 * whole ceiling. Exactly that, as the server of `@x402/evm` demands; a voucher that was never used may cover more,
 * because a price can fall between the 402 and the payment. Only what is delivered is ever claimed.
 */
const FAULTS: readonly (readonly [ChannelFault, (channel: Channel, max: bigint, ceiling: bigint) => boolean])[] = [
  ['channel_not_found', ({ balance }) => balance === 0n],
  ['withdrawal_pending', ({ withdrawRequestedAt }) => withdrawRequestedAt > 0n],
  [
    'cumulative_amount_mismatch',
    ({ charged, signedMax }, max, ceiling) =>
      max < charged + ceiling || (max !== charged + ceiling && max <= signedMax),
  ],
  ['cumulative_exceeds_balance', ({ balance }, max) => max > balance],
];

/** Why a voucher over `max` does not pay for a call that costs at most `ceiling`; `undefined` when it does. */
export const faultOf = (channel: Channel, max: bigint, ceiling: bigint): ChannelFault | undefined =>
  FAULTS.find(([, isAtFault]) => isAtFault(channel, max, ceiling))?.[0];

/** `extra.channelState` of a 402 and of a `PAYMENT-RESPONSE`, as stock clients read it. Decimal strings. */
export const channelStateOf = (channel: Channel, charged = channel.charged): Record<string, string | number> => ({
  channelId: channel.id,
  balance: channel.balance.toString(),
  totalClaimed: channel.totalClaimed.toString(),
  withdrawRequestedAt: Number(channel.withdrawRequestedAt),
  refundNonce: channel.refundNonce.toString(),
  chargedCumulativeAmount: charged.toString(),
});
