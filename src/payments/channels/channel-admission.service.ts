import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { usdc } from '../../common/money';
import { CLAIMABLE, type Claim } from '../claim';
import { ClaimsService } from '../claims.service';
import type { HoldOutcome, PaymentRequirements, Work } from '../payment-scheme';
import {
  alreadyUsed,
  answerNotKept,
  chainUnavailable,
  inDoubt,
  inProgress,
  paymentOwed,
  type Refusal,
} from '../refusal';
import { type Channel, faultOf } from './channel';
import { ChannelDeposits, type DepositPayment } from './channel-deposits.service';
import { chargeHeaders } from './channel-headers';
import type { ChannelClaimPayment, ChannelHold } from './channel-hold';
import { ChannelMirror } from './channel-mirror.service';
import { type ChannelPayment, forgeryOf } from './channel-payment';
import { ChannelPrepaid } from './channel-prepaid.service';
import { channelBusy, channelRefusal, corrective } from './channel-refusal';
import { ChannelTurns } from './channel-turns.service';
import { ChannelsService } from './channels.service';

/** How long a copy of a request waits for the first one's answer. */
const WAIT_MS = 30_000;

/** Decides whether a voucher may have its work done: one call at a time on a channel, one piece of work per request. */
@Injectable()
export class ChannelAdmission {
  constructor(
    private readonly channels: ChannelsService,
    private readonly claims: ClaimsService,
    private readonly mirror: ChannelMirror,
    private readonly deposits: ChannelDeposits,
    private readonly prepaid: ChannelPrepaid,
    private readonly turns: ChannelTurns,
  ) {}

  async admit(payment: ChannelPayment, required: PaymentRequirements, work: Work): Promise<HoldOutcome> {
    const refusal = forgeryOf(payment, required);
    if (refusal) return { kind: 'refused', refusal };
    const deposit = payment.deposit && (await this.check(payment as DepositPayment));
    if (typeof deposit === 'object') return { kind: 'refused', refusal: deposit };
    const known = await this.mirror.channelOf(payment);
    if ('status' in known) return { kind: 'refused', refusal: known };
    const key = keyOf(payment, work.fingerprint);
    const fingerprint = proofOf(payment);
    const given: ChannelClaimPayment = {
      channelId: known.id,
      network: known.network,
      max: payment.max.toString(),
      ceiling: required.amount,
    };
    const claim = await this.claims.take({
      key,
      scheme: 'batch-settlement',
      fingerprint,
      callId: work.callId,
      customerId: known.customerId,
      payment: given,
      validBefore: null,
    });
    if (claim === 'owing') return { kind: 'refused', refusal: paymentOwed };
    if (typeof claim === 'string') return this.follow(key, fingerprint);
    const hold = holdOf(known, payment, claim, work.callId);
    if (claim.transaction !== null) return this.prepaid.resume(hold, claim);
    const outcome = await this.reserve(hold, payment, BigInt(required.amount), deposit === 'made').catch(
      async (error: unknown) => {
        await this.giveUp(hold);
        throw error;
      },
    );
    if ('status' in outcome) {
      await this.giveUp(hold);
      return { kind: 'refused', refusal: outcome };
    }
    return work.stream ? this.prepaid.begin(outcome) : { kind: 'held', hold: outcome };
  }

  /** Frees the channel, and the claim for another try. */
  async giveUp({ claimKey, callId, channel }: ChannelHold): Promise<void> {
    await this.claims.move(claimKey, callId, 'released');
    await this.channels.free(channel.id, callId);
  }

  private async check(payment: DepositPayment): Promise<Refusal | 'made' | undefined> {
    return this.deposits.check(payment).catch(() => chainUnavailable);
  }

  /** Waits for the channel's turn, and looks whether it bears the call; with a deposit, once that is made. */
  private async reserve(
    hold: ChannelHold,
    payment: ChannelPayment,
    ceiling: bigint,
    made: boolean,
  ): Promise<ChannelHold | Refusal> {
    const { claimKey, callId, channel: known } = hold;
    const reserved = await this.turns.take(known.id, claimKey, callId);
    if (!reserved) return channelBusy;
    const more = payment.deposit && !made ? payment.deposit.amount : 0n;
    let channel = reserved;
    let fault = faultOf({ ...channel, balance: channel.balance + more }, payment.max, ceiling);
    if (fault === 'channel_not_found' || fault === 'cumulative_exceeds_balance') {
      channel = await this.mirror.refresh(channel);
      fault = faultOf({ ...channel, balance: channel.balance + more }, payment.max, ceiling);
    }
    if (fault === 'cumulative_amount_mismatch') return corrective(channel);
    if (fault) return channelRefusal(fault);
    const ready: ChannelHold = { ...hold, channel, amount: usdc(ceiling) };
    return payment.deposit ? this.deposit(ready, payment as DepositPayment, made) : ready;
  }

  private async deposit(hold: ChannelHold, payment: DepositPayment, made: boolean): Promise<ChannelHold | Refusal> {
    const outcome = await this.deposits.make(payment, made);
    if (outcome.kind === 'in_doubt') return inDoubt(outcome.transaction);
    if (outcome.kind === 'refused') return channelRefusal('deposit_transaction_failed');
    const { amount } = payment.deposit;
    // What is in the channel is the chain's word: a deposit's nonce can be used up without this amount having arrived.
    const channel = await this.mirror.refresh(hold.channel).catch(() => undefined);
    if (!channel || faultOf(channel, payment.max, hold.amount.atoms)) {
      return inDoubt(outcome.transaction === '' ? undefined : outcome.transaction);
    }
    const deposit = { transaction: outcome.transaction, amount };
    const headers = chargeHeaders({ channel, charged: channel.charged, chargedAmount: 0n, deposit });
    return { ...hold, channel, deposit, headers };
  }

  /** A copy of the request waits for the first one's answer. */
  private async follow(key: string, fingerprint: string): Promise<HoldOutcome> {
    const first = await this.claims.find(key);
    if (first?.fingerprint !== fingerprint) return { kind: 'refused', refusal: alreadyUsed(VOUCHER_SIGNATURE) };
    const claim = (await this.claims.settled(key, WAIT_MS)) ?? first;
    if (claim.state === 'settled' && claim.answer) return { kind: 'replay', answer: claim.answer };
    if (claim.state === 'settled') return { kind: 'refused', refusal: answerNotKept };
    const refusal = CLAIMABLE.includes(claim.state) ? channelBusy : inProgress;
    return { kind: 'refused', refusal };
  }
}

const VOUCHER_SIGNATURE = 'invalid_batch_settlement_evm_voucher_signature';

/** A voucher is over a sum, not for a request: calls at the same time carry the same one, so the request is in the key. */
const keyOf = ({ accepted, channelId, max }: ChannelPayment, requestFingerprint: string): string =>
  `channel:${accepted.network}:${channelId}:${max}:${requestFingerprint}`;

const proofOf = ({ signature }: ChannelPayment): string =>
  createHash('sha256').update(signature.toLowerCase()).digest('base64url');

const holdOf = (channel: Channel, payment: ChannelPayment, claim: Claim, callId: string): ChannelHold => ({
  callId,
  scheme: 'batch-settlement',
  customerId: channel.customerId,
  apiKeyId: null,
  payer: channel.config.payer,
  amount: usdc(BigInt((claim.payment as ChannelClaimPayment).ceiling)),
  capped: true,
  claimKey: claim.key,
  headers: {},
  channel,
  use: { key: claim.key, callId, channelId: channel.id, max: payment.max, signature: payment.signature },
  deposit: undefined,
  prepaid: undefined,
});
