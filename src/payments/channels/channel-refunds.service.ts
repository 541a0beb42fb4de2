import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { TransactionReceipt } from 'viem';
import { newId } from '../../common/id';
import type { Claim } from '../claim';
import { ClaimsService } from '../claims.service';
import type { HoldOutcome, PaymentRequirements } from '../payment-scheme';
import { chainUnavailable, inDoubt, inProgress, type Refusal } from '../refusal';
import type { Channel } from './channel';
import { refundHeaders } from './channel-headers';
import type { ChannelClaimPayment } from './channel-hold';
import { ChannelMirror } from './channel-mirror.service';
import { type ChannelPayment, forgeryOf } from './channel-payment';
import { ChannelRefundSender } from './channel-refund-sender.service';
import { channelBusy, channelRefusal, corrective, refundLimit } from './channel-refusal';
import { ChannelTurns } from './channel-turns.service';
import { ChannelsService } from './channels.service';

/** The name of its claims: a refund is no call. */
export const CHANNEL_REFUND = 'channel-refund';
/**
 * A payer's in a withdraw delay. Whoever leaves, or has put in too much, gets the money back at once and whole: a voucher
 * cannot pay for the gas of its own refund. Deposits and refunds in turn would burn our gas for nothing; after these, the
 * payer's own withdrawal, which needs nobody's consent, is the way.
 */
const MOST_REFUNDS = 3;
/** How long a copy of a refund waits for the first one. */
const WAIT_MS = 30_000;

/** Gives payers back what they deposited and did not use, at once and at our gas. */
@Injectable()
export class ChannelRefunds {
  constructor(
    private readonly claims: ClaimsService,
    private readonly channels: ChannelsService,
    private readonly turns: ChannelTurns,
    private readonly mirror: ChannelMirror,
    private readonly sender: ChannelRefundSender,
  ) {}

  /** `answered` with the refund's receipt; the voucher is over exactly what was charged. */
  async answer(payment: ChannelPayment, required: PaymentRequirements): Promise<HoldOutcome> {
    const forgery = forgeryOf(payment, required);
    if (forgery) return { kind: 'refused', refusal: forgery };
    const known = await this.mirror.channelOf(payment);
    if ('status' in known) return { kind: 'refused', refusal: known };
    const fingerprint = proofOf(payment);
    const claim = await this.claims.take({
      key: `${CHANNEL_REFUND}:${known.network}:${known.id}:${known.refundNonce}`,
      scheme: CHANNEL_REFUND,
      fingerprint,
      callId: newId(),
      customerId: known.customerId,
      payment: { channelId: known.id, network: known.network },
      validBefore: null,
      despiteDebt: true,
    });
    if (typeof claim === 'string') return this.follow(known, fingerprint);
    const refusal = await this.refund(claim, known, payment);
    if (refusal) return { kind: 'refused', refusal };
    const done = await this.claims.find(claim.key);
    return done?.answer ? { kind: 'answered', answer: done.answer } : { kind: 'refused', refusal: inDoubt(undefined) };
  }

  /** A refund whose worker died, or whose outcome was not known. @throws when the node does not answer. */
  async reconcile(claim: Claim): Promise<void> {
    const { channelId } = claim.payment as Pick<ChannelClaimPayment, 'channelId'>;
    const channel = (await this.channels.find(channelId)) as Channel;
    const outcome = await this.sender.outcomeOf(claim.key, channel);
    if (outcome.kind === 'succeeded') return this.finish(claim, channel, outcome.receipt);
    if (outcome.kind !== 'in_doubt') await this.claims.abandon(claim, 'released');
  }

  private async refund(claim: Claim, known: Channel, payment: ChannelPayment): Promise<Refusal | undefined> {
    let sent = false;
    let transaction: string | undefined;
    try {
      const turn = await this.turns.take(known.id, claim.key, claim.callId);
      if (!turn) return await this.giveUp(claim, known, channelBusy);
      const channel = await this.mirror.refresh(turn);
      // The claim is named by the nonce: with another one it is another refund.
      if (channel.refundNonce !== known.refundNonce) return await this.giveUp(claim, known, channelBusy);
      const left = channel.balance - channel.charged;
      const amount = payment.refund?.amount ?? left;
      if (payment.max !== channel.charged) return await this.giveUp(claim, known, corrective(channel));
      if (left <= 0n) return await this.giveUp(claim, known, channelRefusal('refund_no_balance'));
      if (amount === 0n || amount > left) {
        return await this.giveUp(claim, known, channelRefusal('refund_amount_invalid'));
      }
      // This one is counted.
      if ((await this.channels.refundsLately(channel)) > MOST_REFUNDS) {
        return await this.giveUp(claim, known, refundLimit(channel));
      }
      const before = await this.sender.outcomeOf(claim.key, channel);
      sent = true;
      const isOpen = before.kind === 'succeeded' || before.kind === 'in_doubt';
      const outcome = isOpen ? before : await this.sender.send(claim.key, channel, amount);
      if (outcome.kind === 'succeeded') {
        await this.finish(claim, channel, outcome.receipt);
        return undefined;
      }
      transaction = outcome.kind === 'in_doubt' ? outcome.transaction : undefined;
      if (outcome.kind !== 'in_doubt') {
        return await this.giveUp(claim, known, channelRefusal('refund_transaction_failed'));
      }
    } catch {
      if (!sent) return this.giveUp(claim, known, chainUnavailable);
    }
    this.claims.leave(claim.key, claim.callId);
    return inDoubt(transaction);
  }

  private async finish(claim: Claim, channel: Channel, receipt: TransactionReceipt): Promise<void> {
    const { key, callId } = claim;
    const amount = await this.sender.book(channel, receipt);
    const transaction = receipt.transactionHash;
    const state = await this.mirror.stateOf(channel);
    // Other refunds of the payer can share the transaction: the nonce says that this one is done.
    if (state.refundNonce <= nonceOf(claim)) throw new Error(`${key} is not seen on the chain yet.`);
    const after = await this.channels.refunded(channel.id, callId, state);
    const answer = {
      status: 200,
      headers: { 'content-type': 'application/json', ...refundHeaders(after, transaction, amount) },
      body: Buffer.from(JSON.stringify({ message: 'Refunded', channelId: channel.id, amount: amount.toString() })),
    };
    await this.claims.move(key, callId, 'settled', { answer, transaction });
  }

  private async giveUp({ key, callId }: Claim, { id }: Channel, refusal: Refusal): Promise<Refusal> {
    await this.claims.move(key, callId, 'released');
    await this.channels.free(id, callId);
    return refusal;
  }

  /** A copy of the refund gets the first one's answer. */
  private async follow(known: Channel, fingerprint: string): Promise<HoldOutcome> {
    const key = `${CHANNEL_REFUND}:${known.network}:${known.id}:${known.refundNonce}`;
    const claim = await this.claims.settled(key, WAIT_MS);
    const isSame = claim?.fingerprint === fingerprint && claim.answer !== undefined;
    return isSame ? { kind: 'answered', answer: claim.answer } : { kind: 'refused', refusal: inProgress };
  }
}

const nonceOf = ({ key }: Claim): bigint => BigInt(key.slice(key.lastIndexOf(':') + 1));

const proofOf = ({ signature, refund }: ChannelPayment): string =>
  createHash('sha256').update(`${signature.toLowerCase()}\n${refund?.amount}`).digest('base64url');
