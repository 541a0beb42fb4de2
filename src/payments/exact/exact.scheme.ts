import { Inject, Injectable } from '@nestjs/common';
import { minus, usdc } from '../../common/money';
import { CONFIG } from '../../config/config.module';
import type { Config } from '../../config/config';
import { LedgerService } from '../../ledger/ledger.service';
import { UsageRecordsService } from '../../metering/usage-records.service';
import { chargedTo } from '../charged';
import { type Claim, type KeptAnswer, PENDING_NETWORK_FEE, PENDING_TRANSACTION } from '../claim';
import { LEASE_SECONDS } from '../claim-leases.service';
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
import type { UnreadablePayment } from '../payment-envelope';
import { inDoubt, inProgress } from '../refusal';
import { ExactAdmission } from './exact-admission.service';
import { answerOf } from './exact-answer';
import type { ExactHold } from './exact-hold';
import { type ExactPayment, findExactPayment, refusedPayment } from './exact-payment';
import { ExactSettlement } from './exact-settlement.service';
import { exactRequirements, rowFor } from './exact-requirements';
import { settlementHeaders } from './settlement-headers';
import { walletHold } from './wallet-hold';

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
    return (x402?.networks ?? []).map((network) => exactRequirements(network, work.quote.ceiling, upstream.timeoutMs));
  }

  find(headers: RequestHeaders): PaymentPayload | undefined {
    return this.config.x402 ? findExactPayment(headers) : undefined;
  }

  async prove(payment: PaymentPayload): Promise<string | undefined> {
    const given = payment as ExactPayment | UnreadablePayment;
    if ('refusal' in given) return undefined;
    return (await this.admission.isSigned(given)) ? given.authorization.from : undefined;
  }

  answerTo(claim: Claim): KeptAnswer | undefined {
    return answerOf(claim);
  }

  async hold(payment: PaymentPayload, work: Work): Promise<HoldOutcome> {
    const given = payment as ExactPayment | UnreadablePayment;
    if ('refusal' in given) return { kind: 'refused', refusal: given.refusal };
    return this.admission.admit(given, rowFor(given, this.requirements(work)), work);
  }

  /** The answer and the charge are durable before the money moves: whatever happens then, it can be finished. */
  async capture(hold: Hold, delivery: Delivery): Promise<CaptureOutcome> {
    const held = hold as ExactHold;
    const { claimKey, callId, customerId, transaction } = held;
    const charge = chargedTo(held, delivery.charge.amount);
    const capture = {
      asset: charge.asset,
      charge: charge.atoms.toString(),
      held: held.amount.atoms.toString(),
      rows: delivery.rows(paidBy(held, charge, transaction ?? PENDING_TRANSACTION)),
    };
    const change = { capture, answer: delivery.answer, leaseSeconds: LEASE_SECONDS };
    if (!(await this.claims.move(claimKey, callId, 'settling', change))) return this.capturedBefore(held);
    const claim = { key: claimKey, callId, customerId, payment: held.claimPayment, capture };
    if (transaction !== undefined) {
      await this.settlement.takeFromCredit(claim).catch((error: unknown) => {
        this.claims.leave(claimKey, callId);
        throw error;
      });
      return captured(held, charge, transaction);
    }
    const outcome = await this.settlement.settle(claim, 'settled');
    if (outcome.kind === 'settled') return captured(held, charge, outcome.transaction);
    const refusal = outcome.kind === 'failed' ? refusedPayment(outcome.reason) : inDoubt(outcome.transaction);
    return { kind: 'refused', refusal };
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

  /** A repeat learns what came of the first. A worker whose claim was given to another one gets nothing. */
  private async capturedBefore(held: ExactHold): Promise<CaptureOutcome> {
    const claim = await this.claims.find(held.claimKey);
    if (claim?.callId !== held.callId) return { kind: 'refused', refusal: inProgress };
    if (claim.state === 'settled' && claim.capture && claim.transaction !== null) {
      return captured(held, usdc(BigInt(claim.capture.charge)), claim.transaction);
    }
    const open = claim.state === 'settling' || claim.state === 'in_doubt';
    return { kind: 'refused', refusal: open ? await this.settlement.doubtAbout(claim.key) : inProgress };
  }
}

function captured(held: ExactHold, charge: Paid['charge'], transaction: string): CaptureOutcome {
  const headers = settlementHeaders({ ...held.claimPayment.requirements, transaction, payer: held.payer });
  return { kind: 'captured', receipt: { charge, balance: undefined, headers } };
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
      ...(transaction === PENDING_TRANSACTION ? { networkFee: PENDING_NETWORK_FEE } : {}),
    },
    paymentId: held.claimKey,
    network,
    transaction,
  };
}
