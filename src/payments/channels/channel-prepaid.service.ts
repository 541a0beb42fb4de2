import { Inject, Injectable } from '@nestjs/common';
import { type Money, usdc } from '../../common/money';
import { CONFIG } from '../../config/config.module';
import type { Config } from '../../config/config';
import { voucherPrepaid } from '../../ledger/channel-entries';
import { callCaptured } from '../../ledger/entries';
import { customerCredits } from '../../ledger/ledger-account';
import { LedgerRefusedError } from '../../ledger/ledger-error';
import { LedgerService } from '../../ledger/ledger.service';
import type { Claim, PendingCapture } from '../claim';
import { ClaimsService } from '../claims.service';
import type { HoldOutcome } from '../payment-scheme';
import { inProgress, type Refusal } from '../refusal';
import { walletHold } from '../wallet-hold';
import { chargeHeaders } from './channel-headers';
import type { ChannelClaimPayment, ChannelHold } from './channel-hold';
import { ChannelsService } from './channels.service';

/**
 * Streams: the client must learn the charge from the headers, which leave before the cost is known. So the ceiling is
 * charged to the channel before the work and is wallet credit, from which the call takes its cost after the last byte.
 */
@Injectable()
export class ChannelPrepaid {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly channels: ChannelsService,
    private readonly claims: ClaimsService,
    private readonly ledger: LedgerService,
  ) {}

  /** Charges the ceiling of a reserved channel; the channel is free for the next call from then on. */
  async begin(hold: ChannelHold): Promise<HoldOutcome> {
    const { atoms } = hold.amount;
    const channel = await this.channels.prepay(hold.use, atoms, markOf(hold.callId, atoms));
    if (!channel) return { kind: 'refused', refusal: inProgress };
    const { deposit } = hold;
    const headers = chargeHeaders({ channel, charged: channel.charged, chargedAmount: atoms, deposit });
    return this.holdCredit({ ...hold, channel, headers, prepaid: hold.callId });
  }

  /** The same payment once more, whose ceiling was charged and whose work failed. */
  async resume(hold: ChannelHold, claim: Claim): Promise<HoldOutcome> {
    const { channel } = hold;
    const { callId, amount } = prepaidOf(claim);
    const headers = chargeHeaders({
      channel,
      charged: channel.charged,
      chargedAmount: amount.atoms,
      deposit: undefined,
    });
    return this.holdCredit({ ...hold, amount, headers, prepaid: callId });
  }

  /** Takes a call's cost from the credit that its ceiling became. Safe to repeat. */
  async take(claim: Pick<Claim, 'key' | 'callId' | 'customerId' | 'capture'>): Promise<void> {
    const { callId } = claim;
    const customerId = claim.customerId as string;
    const capture = claim.capture as PendingCapture;
    const hold = walletHold({ callId, customerId, amount: usdc(BigInt(capture.held)) });
    const entry = callCaptured({ callId, customerId, charge: usdc(BigInt(capture.charge)) });
    const verdict = await this.ledger.capture(hold, entry, capture.rows);
    const { verdict: posted } =
      verdict.verdict === 'hold_closed' ? await this.ledger.post(entry, capture.rows, hold.account) : verdict;
    if (posted !== 'posted' && posted !== 'replayed') throw new LedgerRefusedError(`capture of call ${callId}`, posted);
    await this.claims.move(claim.key, callId, 'settled');
  }

  /** What a worker that died had charged becomes credit, for the next one with the same payment. */
  async restore(claim: Claim): Promise<void> {
    const { network } = claim.payment as ChannelClaimPayment;
    const customerId = claim.customerId as string;
    const { callId, amount } = prepaidOf(claim);
    await this.credit({ callId, customerId, network, ceiling: amount });
    await this.ledger.release(walletHold({ callId: claim.callId, customerId, amount }));
    await this.claims.abandon(claim, 'paid');
  }

  private async holdCredit(hold: ChannelHold): Promise<HoldOutcome> {
    const { prepaid, customerId, amount, channel } = hold;
    await this.credit({ callId: prepaid as string, customerId, network: channel.network, ceiling: amount });
    const until = new Date(Date.now() + this.config.holdTtlSeconds * 1000);
    const { verdict } = await this.ledger.hold(walletHold(hold), until);
    if (verdict === 'held' || verdict === 'replayed') return { kind: 'held', hold };
    await this.claims.move(hold.claimKey, hold.callId, 'paid');
    return { kind: 'refused', refusal: creditSpent };
  }

  private async credit(prepaid: Parameters<typeof voucherPrepaid>[0]): Promise<void> {
    const account = customerCredits(prepaid.customerId, 'USDC');
    const { verdict } = await this.ledger.post(voucherPrepaid(prepaid), undefined, account);
    if (verdict !== 'posted' && verdict !== 'replayed') {
      throw new LedgerRefusedError(`prepayment of call ${prepaid.callId}`, verdict);
    }
  }
}

const MARK = 'prepaid:';
/** Kept in the claim's `transaction`: no transaction moved the money yet, and it is paid all the same. */
const markOf = (callId: string, atoms: bigint): string => `${MARK}${callId}:${atoms}`;
function prepaidOf({ transaction }: Claim): { callId: string; amount: Money } {
  const [callId = '', atoms = '0'] = (transaction ?? '').slice(MARK.length).split(':');
  return { callId, amount: usdc(BigInt(atoms)) };
}

const creditSpent: Refusal = {
  status: 409,
  code: 'payment_credit_spent',
  detail: 'This payment became wallet credit, and the credit has been spent since.',
  hint: 'Sign a new voucher for this request.',
};
