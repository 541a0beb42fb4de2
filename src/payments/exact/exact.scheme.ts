import { Inject, Injectable } from '@nestjs/common';
import { minus, usdc } from '../../common/money';
import { CONFIG } from '../../config/config.module';
import type { Config } from '../../config/config';
import { callCaptured } from '../../ledger/entries';
import { LedgerRefusedError } from '../../ledger/ledger-error';
import { LedgerService } from '../../ledger/ledger.service';
import { UsageRecordsService } from '../../metering/usage-records.service';
import { chargedTo } from '../charged';
import { PENDING_TRANSACTION } from '../claim';
import { ClaimsService } from '../claims.service';
import type {
  CaptureOutcome,
  Delivery,
  Failure,
  HoldOutcome,
  Hold,
  Paid,
  PaymentPayload,
  PaymentRequirements,
  PaymentScheme,
  RequestHeaders,
  Work,
} from '../payment-scheme';
import { inDoubt } from '../refusal';
import { ExactAdmission } from './exact-admission.service';
import type { ExactHold } from './exact-hold';
import { type ExactPayment, findExactPayment, refusedPayment, type UnreadablePayment } from './exact-payment';
import { ExactSettlement, IN_DOUBT_RETRY_SECONDS } from './exact-settlement.service';
import { exactRequirements } from './exact-requirements';
import { settlementHeaders } from './settlement-headers';
import { walletHold } from './wallet-hold';

const SETTLING_LEASE_SECONDS = 90;

/**
 * x402 `exact` on EVM: the payer signs a transfer of the quote's ceiling, which is settled on the chain. What the call
 * did not use is the payer's wallet credit. An answer in one piece is settled after the work and before it is sent;
 * a stream is settled before the work, because its headers carry the settlement.
 */
@Injectable()
export class ExactScheme implements PaymentScheme {
  readonly name = 'exact';

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly admission: ExactAdmission,
    private readonly settlement: ExactSettlement,
    private readonly claims: ClaimsService,
    private readonly ledger: LedgerService,
    private readonly usages: UsageRecordsService,
  ) {}

  requirements(work: Work): readonly PaymentRequirements[] {
    const { x402, upstream } = this.config;
    return x402 ? [exactRequirements(x402, work.quote.ceiling, upstream.timeoutMs)] : [];
  }

  find(headers: RequestHeaders): PaymentPayload | undefined {
    return this.config.x402 ? findExactPayment(headers) : undefined;
  }

  async hold(payment: PaymentPayload, work: Work): Promise<HoldOutcome> {
    const given = payment as ExactPayment | UnreadablePayment;
    if ('refusal' in given) return { kind: 'refused', refusal: given.refusal };
    const [required] = this.requirements(work);
    return this.admission.admit(given, required as PaymentRequirements, work);
  }

  async capture(hold: Hold, delivery: Delivery): Promise<CaptureOutcome> {
    const held = hold as ExactHold;
    const charge = chargedTo(held.amount, delivery.charge.amount);
    return held.transaction === undefined
      ? this.settleAndBook(held, delivery, charge)
      : this.takeFromCredit(held, delivery, charge, held.transaction);
  }

  async release(hold: Hold, failure: Failure): Promise<void> {
    const held = hold as ExactHold;
    const rows = failure.rows(paidBy(held, usdc(0n), held.transaction ?? null));
    if (held.transaction !== undefined) {
      await this.ledger.release(walletHold(held), rows);
      await this.claims.move(held.claimKey, held.callId, 'paid');
      return;
    }
    if (rows.usage) await this.usages.record(rows.usage);
    await this.claims.move(held.claimKey, held.callId, 'released');
  }

  /** The answer and the charge are durable before the money moves: whatever happens then, it can be finished. */
  private async settleAndBook(held: ExactHold, delivery: Delivery, charge: Paid['charge']): Promise<CaptureOutcome> {
    const capture = {
      asset: charge.asset,
      charge: charge.atoms.toString(),
      held: held.amount.atoms.toString(),
      rows: delivery.rows(paidBy(held, charge, PENDING_TRANSACTION)),
    };
    const change = { capture, answer: delivery.answer, leaseSeconds: SETTLING_LEASE_SECONDS };
    const mine = await this.claims.move(held.claimKey, held.callId, 'settling', change);
    if (!mine) return { kind: 'refused', refusal: inDoubt };
    const outcome = await this.settlement.settle(held.claimKey, held.claimPayment);
    if (outcome.kind === 'in_doubt') {
      await this.claims.move(held.claimKey, held.callId, 'in_doubt', { leaseSeconds: IN_DOUBT_RETRY_SECONDS });
      return { kind: 'refused', refusal: inDoubt };
    }
    if (outcome.kind === 'failed') {
      await this.claims.move(held.claimKey, held.callId, 'failed', { reason: outcome.reason });
      return { kind: 'refused', refusal: refusedPayment(outcome.reason) };
    }
    const { transaction } = outcome;
    const claim = {
      key: held.claimKey,
      callId: held.callId,
      customerId: held.customerId,
      payment: held.claimPayment,
      capture,
    };
    await this.settlement.book(claim, transaction);
    await this.claims.move(held.claimKey, held.callId, 'settled', { transaction });
    const headers = settlementHeaders({ ...held.claimPayment.requirements, transaction, payer: held.payer });
    return { kind: 'captured', receipt: { charge, balance: undefined, headers } };
  }

  private async takeFromCredit(
    held: ExactHold,
    delivery: Delivery,
    charge: Paid['charge'],
    transaction: string,
  ): Promise<CaptureOutcome> {
    const entry = callCaptured({ callId: held.callId, customerId: held.customerId, charge });
    const rows = delivery.rows(paidBy(held, charge, transaction));
    const verdict = await this.ledger.capture(walletHold(held), entry, rows);
    const posted =
      verdict.verdict === 'hold_closed' ? await this.ledger.post(entry, rows, walletHold(held).account) : verdict;
    if (posted.verdict !== 'posted' && posted.verdict !== 'replayed') {
      throw new LedgerRefusedError(`capture of call ${held.callId}`, posted.verdict);
    }
    await this.claims.move(held.claimKey, held.callId, 'settled', { answer: delivery.answer });
    return { kind: 'captured', receipt: { charge, balance: undefined, headers: held.headers } };
  }
}

function paidBy(held: ExactHold, charge: Paid['charge'], transaction: string | null): Paid {
  const { network } = held.claimPayment.requirements;
  return {
    charge,
    held: held.amount,
    evidence: {
      payer: held.payer,
      network,
      ...(transaction === null ? {} : { transaction }),
      settled: held.amount.atoms.toString(),
      credited: minus(held.amount, charge).atoms.toString(),
    },
    paymentId: held.claimKey,
    network,
    transaction,
  };
}
