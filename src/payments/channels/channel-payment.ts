import type { Hex } from 'viem';
import { recoverSigner } from '../../evm/signature';
import { channelIdOf, type ChannelConfig, voucherDigest } from '../../evm/typed-digest';
import {
  addressOf,
  bytes32Of,
  envelopeFor,
  objectOf,
  type PaymentEnvelope,
  sameAddress,
  signatureOf,
  unreadablePayload,
  type UnreadablePayment,
} from '../payment-envelope';
import type { PaymentPayload, PaymentRequirements, RequestHeaders } from '../payment-scheme';
import { atomsOf, type Deposit, depositOf } from './channel-deposit';
import { channelRefusal } from './channel-refusal';
import type { Refusal } from '../refusal';

/** Its name on the wire (x402 `scheme_batch_settlement_evm`). */
export const BATCH_SETTLEMENT_SCHEME = 'batch-settlement';

/** A voucher, with a deposit before it, or with the wish to have the rest back. Amounts are atoms. */
export interface ChannelPayment extends PaymentPayload {
  readonly accepted: PaymentEnvelope['accepted'];
  readonly config: ChannelConfig;
  readonly channelId: Hex;
  /** Cumulative: all that may ever be claimed of the channel. */
  readonly max: bigint;
  readonly signature: Hex;
  readonly deposit: Deposit | undefined;
  readonly refund: { readonly amount: bigint | undefined } | undefined;
}

/** The channel payment in a request's headers, not yet checked. `eip155` networks only: others share the scheme's name. */
export function findChannelPayment(headers: RequestHeaders): ChannelPayment | UnreadablePayment | undefined {
  const envelope = envelopeFor(BATCH_SETTLEMENT_SCHEME, headers);
  if (!envelope || envelope.version !== 2 || !/^eip155:\d+$/.test(envelope.accepted.network)) return undefined;
  const unreadable = (why: string) => unreadablePayload(BATCH_SETTLEMENT_SCHEME, 2, why);
  const { accepted, payload } = envelope;
  const config = configOf(payload['channelConfig']);
  if (!config) return unreadable('payload.channelConfig is not the configuration of a channel');
  const voucher = voucherOf(payload['voucher']);
  if (!voucher) return unreadable('payload.voucher is not a voucher');
  const found = { scheme: BATCH_SETTLEMENT_SCHEME, accepted, config, ...voucher };
  switch (payload['type']) {
    case 'voucher':
      return { ...found, deposit: undefined, refund: undefined };
    case 'deposit': {
      const deposit = depositOf(payload['deposit'], envelope.extensions);
      return deposit
        ? { ...found, deposit, refund: undefined }
        : unreadable('payload.deposit is neither an EIP-3009 nor a Permit2 deposit');
    }
    case 'refund': {
      const amount = payload['amount'] === undefined ? undefined : atomsOf(payload['amount']);
      return amount === undefined && payload['amount'] !== undefined
        ? unreadable('payload.amount is not an amount')
        : { ...found, deposit: undefined, refund: { amount } };
    }
    default:
      return unreadable('payload.type is not deposit, voucher or refund');
  }
}

/** Why the channel is not one that was asked for, before anybody is asked about its signature. */
function mismatchOf(payment: ChannelPayment, required: PaymentRequirements): Refusal | undefined {
  const { accepted, config, channelId } = payment;
  const { extra } = required;
  if (accepted.network !== required.network) return channelRefusal('network_mismatch');
  if (channelIdOf(chainIdOf(required.network), config) !== channelId) return channelRefusal('channel_id_mismatch');
  if (!sameAddress(config.receiver, required.payTo)) return channelRefusal('receiver_mismatch');
  if (!sameAddress(config.receiverAuthorizer, String(extra['receiverAuthorizer']))) {
    return channelRefusal('receiver_authorizer_mismatch');
  }
  if (!sameAddress(config.token, required.asset)) return channelRefusal('token_mismatch');
  if (config.withdrawDelay !== extra['withdrawDelay']) return channelRefusal('withdraw_delay_mismatch');
  // A contract wallet can take its signature back; a key cannot.
  if (config.payerAuthorizer === NOBODY) return channelRefusal('payer_authorizer_required');
  return undefined;
}

/** Why a voucher is nobody's, or for another channel than what was asked for. */
export function forgeryOf(payment: ChannelPayment, required: PaymentRequirements): Refusal | undefined {
  const mismatch = mismatchOf(payment, required);
  if (mismatch) return mismatch;
  const digest = voucherDigest(chainIdOf(required.network), payment.channelId, payment.max);
  const isSigned = recoverSigner(digest, payment.signature) === payment.config.payerAuthorizer;
  return isSigned ? undefined : channelRefusal('voucher_signature');
}

/** Of a CAIP-2 `eip155` network. */
export const chainIdOf = (network: string): number => Number(network.split(':')[1]);

const NOBODY: Hex = `0x${'0'.repeat(40)}`;
const MAX_UINT40 = 2 ** 40 - 1;

function configOf(value: unknown): ChannelConfig | undefined {
  const given = objectOf(value);
  const [payer, payerAuthorizer] = [addressOf(given?.['payer']), addressOf(given?.['payerAuthorizer'])];
  const [receiver, receiverAuthorizer] = [addressOf(given?.['receiver']), addressOf(given?.['receiverAuthorizer'])];
  const [token, salt, withdrawDelay] = [
    addressOf(given?.['token']),
    bytes32Of(given?.['salt']),
    given?.['withdrawDelay'],
  ];
  if (!payer || !payerAuthorizer || !receiver || !receiverAuthorizer || !token || !salt) return undefined;
  if (typeof withdrawDelay !== 'number' || !Number.isInteger(withdrawDelay)) return undefined;
  if (withdrawDelay < 0 || withdrawDelay > MAX_UINT40) return undefined;
  return { payer, payerAuthorizer, receiver, receiverAuthorizer, token, withdrawDelay, salt };
}

function voucherOf(value: unknown): Pick<ChannelPayment, 'channelId' | 'max' | 'signature'> | undefined {
  const given = objectOf(value);
  const [channelId, signature] = [bytes32Of(given?.['channelId']), signatureOf(given?.['signature'])];
  const max = atomsOf(given?.['maxClaimableAmount']);
  return channelId && signature && max !== undefined ? { channelId, max, signature } : undefined;
}
