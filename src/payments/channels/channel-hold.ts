import type { Hex } from 'viem';
import type { Hold } from '../payment-scheme';
import type { Channel } from './channel';
import type { VoucherUse } from './channel-statements';

/** A voucher whose channel is reserved, or whose ceiling is charged already (`prepaid`) and held on wallet credit. */
export interface ChannelHold extends Hold {
  readonly claimKey: string;
  readonly payer: string;
  readonly channel: Channel;
  readonly use: VoucherUse;
  readonly deposit: { readonly transaction: Hex | ''; readonly amount: bigint } | undefined;
  /** The id under which the ceiling was charged. */
  readonly prepaid: string | undefined;
}

/** What a claim keeps of its payment. Amounts are decimal strings. */
export interface ChannelClaimPayment {
  readonly channelId: Hex;
  readonly network: string;
  readonly max: string;
  readonly ceiling: string;
}
