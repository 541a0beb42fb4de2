import { Injectable } from '@nestjs/common';
import { usdc } from '../../common/money';
import { LedgerService } from '../../ledger/ledger.service';
import { UsageRecordsService } from '../../metering/usage-records.service';
import { chargedTo } from '../charged';
import { PENDING_TRANSACTION } from '../claim';
import { LEASE_SECONDS } from '../claim-leases.service';
import { ClaimsService } from '../claims.service';
import { patiently } from '../patiently';
import type { CaptureOutcome, Delivery, Failure } from '../payment-scheme';
import { inDoubt, inProgress } from '../refusal';
import { Repeats } from '../repeats.service';
import { walletHold } from '../wallet-hold';
import type { UnfinishedClaim } from './exact-claim';
import type { ExactHold } from './exact-hold';
import { refusedPayment } from './exact-payment';
import { ExactPromises } from './exact-promises.service';
import { captured, paidBy, promisedBy } from './exact-receipt';
import { ExactSettlement } from './exact-settlement.service';

/** Takes the money for a claimed payment's work, or frees it: each safe to repeat. */
@Injectable()
export class ExactCapture {
  constructor(
    private readonly settlement: ExactSettlement,
    private readonly promises: ExactPromises,
    private readonly claims: ClaimsService,
    private readonly ledger: LedgerService,
    private readonly usages: UsageRecordsService,
    private readonly repeats: Repeats,
  ) {}

  /** The answer and the charge are durable before the money moves: whatever happens then, it can be finished. */
  async capture(held: ExactHold, delivery: Delivery): Promise<CaptureOutcome> {
    const { claimKey: key, callId, customerId, transaction, claimPayment: payment } = held;
    const charge = chargedTo(held, delivery.charge.amount);
    const answersFirst = transaction === undefined && payment.answersFirst === true;
    const paid = answersFirst ? promisedBy(held, charge) : paidBy(held, charge, transaction ?? PENDING_TRANSACTION);
    const capture = {
      asset: charge.asset,
      charge: charge.atoms.toString(),
      held: held.amount.atoms.toString(),
      rows: delivery.rows(paid),
    };
    const change = { capture, answer: delivery.answer, leaseSeconds: LEASE_SECONDS };
    const claim = { key, callId, customerId, payment, capture };
    const next = answersFirst ? 'promised' : 'settling';
    const moved = await patiently(() => this.claims.move(key, callId, next, change));
    if (!moved) return this.capturedBefore(held, claim, delivery);
    if (answersFirst) {
      await this.promises.make(claim);
      return captured(held, charge, null);
    }
    if (transaction !== undefined) {
      await this.settlement.takeFromCredit(claim).catch((error: unknown) => {
        this.claims.leave(key, callId);
        throw error;
      });
      return captured(held, charge, transaction);
    }
    const outcome = await this.settlement.settle(claim, 'settled');
    if (outcome.kind === 'settled') return captured(held, charge, outcome.transaction);
    const refusal = outcome.kind === 'failed' ? refusedPayment(outcome.reason) : inDoubt(outcome.transaction);
    return { kind: 'refused', refusal };
  }

  async release(held: ExactHold, failure: Failure): Promise<void> {
    const rows = failure.rows(paidBy(held, usdc(0n), held.transaction ?? null));
    if (held.transaction !== undefined) {
      await this.ledger.release(walletHold(held), rows);
      await this.claims.move(held.claimKey, held.callId, 'paid');
      return;
    }
    if (rows.usage) await this.usages.record(rows.usage);
    await this.claims.move(held.claimKey, held.callId, 'released');
  }

  private async capturedBefore(held: ExactHold, claim: UnfinishedClaim, delivery: Delivery): Promise<CaptureOutcome> {
    const before = await this.repeats.captured(held);
    if (before === 'lost') {
      if (!delivery.delivered) return { kind: 'refused', refusal: inProgress };
      await patiently(() => this.settlement.takeFromCredit(claim));
      return captured(held, usdc(BigInt(claim.capture?.charge ?? 0)), held.transaction ?? null);
    }
    if ('status' in before) return { kind: 'refused', refusal: before };
    return captured(held, usdc(BigInt(before.capture?.charge ?? 0)), before.transaction);
  }
}
