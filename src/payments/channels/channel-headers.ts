import { base64 } from '../payment-required';
import { type Channel, channelStateOf } from './channel';

/** What a call did to a channel. Amounts are atoms. */
export interface ChannelReceipt {
  readonly channel: Channel;
  /** Cumulative, with this call. */
  readonly charged: bigint;
  readonly chargedAmount: bigint;
  /** The deposit that came with the call. */
  readonly deposit: { readonly transaction: string; readonly amount: bigint } | undefined;
}

/** `PAYMENT-RESPONSE` of a charge, as `@x402/evm` 2.27 gives it: without a deposit, no transaction and no amount. */
export const chargeHeaders = ({
  channel,
  charged,
  chargedAmount,
  deposit,
}: ChannelReceipt): Record<string, string> => ({
  'payment-response': base64({
    success: true,
    payer: channel.config.payer,
    transaction: deposit?.transaction ?? '',
    network: channel.network,
    amount: deposit?.amount.toString() ?? '',
    extra: { chargedAmount: chargedAmount.toString(), channelState: channelStateOf(channel, charged) },
  }),
});

/** `PAYMENT-RESPONSE` of a refund: `amount` is what went back to the payer. */
export const refundHeaders = (channel: Channel, transaction: string, amount: bigint): Record<string, string> => ({
  'payment-response': base64({
    success: true,
    payer: channel.config.payer,
    transaction,
    network: channel.network,
    amount: amount.toString(),
    extra: { channelState: channelStateOf(channel) },
  }),
});
