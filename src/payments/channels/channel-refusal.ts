import type { PaymentRequirements } from '../payment-scheme';
import type { Refusal } from '../refusal';
import { type Channel, channelStateOf } from './channel';

/** The reasons of `@x402/evm` 2.27, and two of our own: `payer_authorizer_required` and `withdrawal_pending`. */
const DETAILS = {
  network_mismatch: 'The channel is on another network.',
  channel_id_mismatch: "The voucher's channel is not the one that its configuration describes.",
  receiver_mismatch: 'The channel pays somebody else.',
  receiver_authorizer_mismatch: 'The channel names another receiverAuthorizer than the 402.',
  token_mismatch: 'The channel holds another token.',
  withdraw_delay_mismatch: 'The channel has another withdrawDelay than the 402 asks for.',
  payer_authorizer_required:
    'The channel has no payerAuthorizer: vouchers are signed by a key, also for a contract wallet.',
  voucher_signature: "The voucher is not signed by the channel's payerAuthorizer.",
  channel_not_found: 'Nothing was deposited in this channel.',
  withdrawal_pending: 'The payer has asked for the money of this channel back: it takes no more vouchers.',
  cumulative_amount_mismatch: 'The voucher does not cover what was charged before and this call.',
  cumulative_exceeds_balance: 'The voucher is over more than the channel holds.',
  channel_busy: 'The channel is busy with another call.',
  deposit_below_min_deposit: 'The deposit is smaller than the minDeposit of the 402.',
  payload_authorization_valid_before: 'The deposit is not valid long enough.',
  payload_authorization_valid_after: 'The deposit is not valid yet.',
  receive_authorization_signature: 'The deposit is not signed by the payer.',
  permit2_invalid_signature: 'The Permit2 deposit is not signed by the payer.',
  permit2_invalid_spender: 'The Permit2 deposit is not for the collector of the channels.',
  permit2_amount_mismatch: 'The Permit2 deposit is signed over another amount.',
  permit2_deadline_expired: 'The Permit2 deposit is not valid long enough.',
  eip2612_amount_mismatch: 'The EIP-2612 permit that came with the deposit is over another amount.',
  insufficient_balance: 'The payer has less than the deposit.',
  deposit_transaction_failed: 'The deposit was refused by the chain.',
  refund_no_balance: 'There is nothing left in the channel to give back.',
  refund_amount_invalid: 'There is less left in the channel than the amount to give back.',
  refund_limit: 'The payer had its refunds of this time.',
  refund_transaction_failed: 'The refund was refused by the chain.',
} as const;

export type ChannelReason = keyof typeof DETAILS;

/** Why a channel's payment is not accepted; nothing was taken. */
export const channelRefusal = (reason: ChannelReason, more: Partial<Refusal> = {}): Refusal => ({
  status: 402,
  code: `invalid_batch_settlement_evm_${reason}`,
  detail: DETAILS[reason],
  hint: 'Nothing was taken. Pay what PAYMENT-REQUIRED asks for.',
  ...more,
});

/** Refunds are at our gas, and so are deposits: a payer cannot have both without end. */
export const refundLimit = ({ config }: Channel): Refusal =>
  channelRefusal('refund_limit', {
    hint: 'Withdraw on the chain by initiateWithdraw and finalizeWithdraw, or ask again after the seconds in Retry-After.',
    retryAfter: config.withdrawDelay,
  });

/** All the calls of a channel go one after the other: this one waited, and its turn did not come. */
export const channelBusy: Refusal = channelRefusal('channel_busy', {
  hint: 'Repeat the request, or open another channel with another salt for calls at the same time.',
  retryAfter: 1,
});

/**
 * The corrective 402: the channel's row says where the channel stands, and proves it by the payer's own last signature.
 * Only for who has shown to be the signer. The row is moved to the front, where stock clients look for it.
 */
export const corrective = (channel: Channel): Refusal =>
  channelRefusal('cumulative_amount_mismatch', {
    hint: "Sign a voucher over extra.channelState.chargedCumulativeAmount and the row's amount.",
    accepts: (rows) => {
      const isOurs = ({ scheme, network }: PaymentRequirements) =>
        scheme === 'batch-settlement' && network === channel.network;
      const ours = rows.filter(isOurs).map((row) => ({ ...row, extra: { ...row.extra, ...stateOf(channel) } }));
      return [...ours, ...rows.filter((row) => !isOurs(row))];
    },
  });

const stateOf = (channel: Channel): Record<string, unknown> => ({
  channelState: channelStateOf(channel),
  ...(channel.signature === null
    ? {}
    : { voucherState: { signedMaxClaimable: channel.signedMax.toString(), signature: channel.signature } }),
});
