import { Injectable } from '@nestjs/common';
import { type Money, usdc } from '../../common/money';
import { voucherCharged } from '../../ledger/channel-entries';
import { customerCredits } from '../../ledger/ledger-account';
import { LedgerRefusedError } from '../../ledger/ledger-error';
import { LedgerService } from '../../ledger/ledger.service';
import { UsageRecordsService } from '../../metering/usage-records.service';
import { chargedTo } from '../charged';
import type { Claim, PendingCapture } from '../claim';
import { LEASE_SECONDS } from '../claim-leases.service';
import { ClaimsService } from '../claims.service';
import type { CaptureOutcome, Delivery, Failure, Paid } from '../payment-scheme';
import { inProgress } from '../refusal';
import { walletHold } from '../wallet-hold';
import { chargeHeaders } from './channel-headers';
import type { ChannelClaimPayment, ChannelHold } from './channel-hold';
import { ChannelPrepaid } from './channel-prepaid.service';
import { ChannelsService } from './channels.service';

/** Charges channels for what was delivered, and puts it on the books: each safe to repeat. */
@Injectable()
export class ChannelCapture {
  constructor(
    private readonly channels: ChannelsService,
    private readonly claims: ClaimsService,
    private readonly prepaid: ChannelPrepaid,
    private readonly ledger: LedgerService,
    private readonly usages: UsageRecordsService,
  ) {}

  /** The answer and the charge are durable in one step: the voucher is in hand, so nothing can fail any more. */
  async capture(hold: ChannelHold, delivery: Delivery): Promise<CaptureOutcome> {
    const { claimKey: key, callId, customerId, channel } = hold;
    const charge = chargedTo(hold, delivery.charge.amount);
    const headers =
      hold.prepaid === undefined
        ? chargeHeaders({
            channel,
            charged: channel.charged + charge.atoms,
            chargedAmount: charge.atoms,
            deposit: hold.deposit,
          })
        : hold.headers;
    const capture: PendingCapture = {
      asset: charge.asset,
      charge: charge.atoms.toString(),
      held: hold.amount.atoms.toString(),
      rows: delivery.rows(paidBy(hold, charge)),
    };
    const answer = delivery.answer && {
      ...delivery.answer,
      headers: { ...delivery.answer.headers, ...headers },
    };
    const moved =
      hold.prepaid === undefined
        ? (await this.channels.charge(hold.use, charge.atoms, { capture, answer })) !== undefined
        : await this.claims.move(key, callId, 'settling', { capture, answer, leaseSeconds: LEASE_SECONDS });
    if (!moved) return this.capturedBefore(hold);
    const claim = { key, callId, customerId, capture, payment: { network: channel.network } };
    await this.finish(claim, hold.prepaid !== undefined).catch((error: unknown) => {
      this.claims.leave(key, callId);
      throw error;
    });
    return captured(charge, headers);
  }

  async release(hold: ChannelHold, failure: Failure): Promise<void> {
    const { claimKey, callId, channel } = hold;
    const rows = failure.rows(paidBy(hold, usdc(0n)));
    if (hold.prepaid !== undefined) {
      await this.ledger.release(walletHold(hold), rows);
      await this.claims.move(claimKey, callId, 'paid');
      return;
    }
    if (rows.usage) await this.usages.record(rows.usage);
    await this.claims.move(claimKey, callId, 'released');
    await this.channels.free(channel.id, callId);
  }

  /** Books a charged call, and says so in its claim: also for a worker that died in between. */
  async finish(
    claim: Pick<Claim, 'key' | 'callId' | 'customerId' | 'capture'> & { payment: unknown },
    isPrepaid: boolean,
  ): Promise<void> {
    if (isPrepaid) return this.prepaid.take(claim);
    const { callId } = claim;
    const customerId = claim.customerId as string;
    const capture = claim.capture as PendingCapture;
    const { network } = claim.payment as Pick<ChannelClaimPayment, 'network'>;
    const entry = voucherCharged({ callId, customerId, network, charge: usdc(BigInt(capture.charge)) });
    const { verdict } = await this.ledger.post(entry, capture.rows, customerCredits(customerId, 'USDC'));
    if (verdict !== 'posted' && verdict !== 'replayed') {
      throw new LedgerRefusedError(`charge of call ${callId}`, verdict);
    }
    await this.claims.move(claim.key, callId, 'settled');
  }

  /** A repeat learns what came of the first. A worker whose claim was given to another one gets nothing. */
  private async capturedBefore(hold: ChannelHold): Promise<CaptureOutcome> {
    const claim = await this.claims.find(hold.claimKey);
    const isOurs = claim?.callId === hold.callId && claim.capture !== null;
    if (!isOurs || claim.state === 'paid') return { kind: 'refused', refusal: inProgress };
    const headers = claim.answer?.headers['payment-response'];
    return captured(
      usdc(BigInt(claim.capture.charge)),
      headers === undefined ? hold.headers : { 'payment-response': headers },
    );
  }
}

const captured = (charge: Money, headers: Readonly<Record<string, string>>): CaptureOutcome => ({
  kind: 'captured',
  receipt: { charge, balance: undefined, headers },
});

function paidBy(hold: ChannelHold, charge: Money): Paid {
  const { channel, use, amount, payer, claimKey, deposit } = hold;
  return {
    charge,
    held: amount,
    evidence: {
      payer,
      network: channel.network,
      channel: channel.id,
      voucher: use.max.toString(),
      charged: (channel.charged + (hold.prepaid === undefined ? charge.atoms : 0n)).toString(),
      ...(deposit?.transaction ? { deposit: deposit.transaction } : {}),
      ...(hold.prepaid === undefined ? {} : { credited: (amount.atoms - charge.atoms).toString() }),
    },
    paymentId: claimKey,
    network: channel.network,
    transaction: null,
  };
}
