import { Inject, Injectable } from '@nestjs/common';
import { usdc } from '../../common/money';
import { CONFIG } from '../../config/config.module';
import type { Config } from '../../config/config';
import { customerCredits } from '../../ledger/ledger-account';
import { LedgerService } from '../../ledger/ledger.service';
import { CLAIMABLE, type Claim, type ClaimState } from '../claim';
import { ClaimsService } from '../claims.service';
import type { HoldOutcome, PaymentRequirements, Work } from '../payment-scheme';
import { alreadyUsed, answerNotKept, inDoubt, inProgress, paymentOwed, type Refusal } from '../refusal';
import { ExactVerification } from './exact-verification.service';
import { answerOf } from './exact-answer';
import type { ExactHold } from './exact-hold';
import { boundTo, type ExactPayment, lapseOf, mismatchOf, paymentIdOf, refusedPayment } from './exact-payment';
import { type ExactClaimPayment, ExactSettlement } from './exact-settlement.service';
import { settlementHeaders } from './settlement-headers';

/** How long a copy of a payment waits for the first one's answer. */
const WAIT_MS = 30_000;

/** Decides whether a payment may have its work done: one signed payment, one piece of work, however many copies. */
@Injectable()
export class ExactAdmission {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly verification: ExactVerification,
    private readonly claims: ClaimsService,
    private readonly settlement: ExactSettlement,
    private readonly ledger: LedgerService,
  ) {}

  /** By its signature alone. Never throws. */
  isSigned(payment: ExactPayment): Promise<boolean> {
    return this.verification.isSigned(payment).catch(() => false);
  }

  async admit(
    payment: ExactPayment,
    required: PaymentRequirements,
    work: Pick<Work, 'callId' | 'fingerprint' | 'stream'> & { readonly repaysDebt?: boolean },
  ): Promise<HoldOutcome> {
    const { from, nonce } = payment.authorization;
    const key = paymentIdOf(required.network, required.asset, from, nonce);
    const fingerprint = boundTo(payment, work.fingerprint);
    // A copy is recognised before it is verified: its nonce is used by the time that the first one is settled.
    const earlier = await this.claims.find(key);
    if (earlier && !mayTakeOver(earlier, fingerprint)) return this.follow(earlier, fingerprint);
    let byContract = false;
    if (earlier?.state !== 'paid') {
      const mismatch = mismatchOf(payment, required);
      if (mismatch) return this.followOrRefuse(key, fingerprint, mismatch);
      const verification = await this.verification.verify(payment, required);
      if (verification.kind === 'refused') return this.followOrRefuse(key, fingerprint, verification.refusal);
      byContract = verification.byContract;
    }
    const given: ExactClaimPayment = {
      payment: { authorization: payment.authorization, signature: payment.signature },
      requirements: required,
      byContract,
    };
    const customer = await this.verification.customerOf(from);
    const claim = await this.claims.take({
      key,
      scheme: 'exact',
      fingerprint,
      callId: work.callId,
      customerId: customer,
      payment: given,
      validBefore: lapseOf(payment.authorization),
      despiteDebt: work.repaysDebt === true,
    });
    if (claim === 'owing') return { kind: 'refused', refusal: paymentOwed };
    if (typeof claim === 'string') return this.followOrRefuse(key, fingerprint, inProgress);
    // As it was first claimed: what was paid then is what can be taken now, whatever the price has become.
    const claimPayment = claim.payment as ExactClaimPayment;
    const hold: ExactHold = {
      callId: work.callId,
      scheme: 'exact',
      customerId: customer,
      apiKeyId: null,
      payer: from.toLowerCase(),
      amount: usdc(BigInt(claimPayment.requirements.amount)),
      capped: true,
      claimKey: key,
      headers: {},
      claimPayment,
      transaction: undefined,
    };
    const repaysDebt = work.repaysDebt === true;
    if (claim.transaction !== null) return this.holdCredit(hold, claim.transaction, repaysDebt);
    return work.stream ? this.settleFirst(hold, repaysDebt) : { kind: 'held', hold };
  }

  /** A stream's headers carry its settlement, so it is settled before the work; the amount is credit until captured. */
  private async settleFirst(hold: ExactHold, repaysDebt: boolean): Promise<HoldOutcome> {
    const { claimKey: key, callId, customerId, claimPayment: payment } = hold;
    if (!(await this.claims.move(key, callId, 'settling'))) return { kind: 'refused', refusal: inProgress };
    const outcome = await this.settlement.settle({ key, callId, customerId, payment, capture: null }, 'working');
    if (outcome.kind === 'settled') return this.holdCredit(hold, outcome.transaction, repaysDebt);
    const refusal = outcome.kind === 'failed' ? refusedPayment(outcome.reason) : inDoubt(outcome.transaction);
    return { kind: 'refused', refusal };
  }

  /** What repays a debt need not be held: the credit of a wallet that owes is frozen until it is repaid from it. */
  private async holdCredit(hold: ExactHold, transaction: string, repaysDebt: boolean): Promise<HoldOutcome> {
    const { network, amount } = hold.claimPayment.requirements;
    const reservation = { id: hold.callId, account: customerCredits(hold.customerId, 'USDC'), amount: hold.amount };
    const expiresAt = new Date(Date.now() + this.config.holdTtlSeconds * 1000);
    const verdict = await this.ledger.hold(reservation, expiresAt).catch((error: unknown) => {
      this.claims.leave(hold.claimKey, hold.callId);
      throw error;
    });
    const isHeld = verdict.verdict === 'held' || verdict.verdict === 'replayed';
    if (!isHeld && !(repaysDebt && verdict.verdict === 'frozen')) {
      await this.claims.move(hold.claimKey, hold.callId, 'paid');
      return { kind: 'refused', refusal: creditSpent };
    }
    const headers = settlementHeaders({ transaction, network, payer: hold.payer, amount });
    const held: ExactHold = { ...hold, transaction, headers };
    return { kind: 'held', hold: held };
  }

  /** The first one may have been settled while this copy was being verified: then its answer counts. */
  private async followOrRefuse(key: string, fingerprint: string, refusal: Refusal): Promise<HoldOutcome> {
    const first = await this.claims.find(key);
    return first ? this.follow(first, fingerprint) : { kind: 'refused', refusal };
  }

  private async follow(first: Claim, fingerprint: string): Promise<HoldOutcome> {
    if (first.fingerprint !== fingerprint) return { kind: 'refused', refusal: alreadyUsed(NONCE_USED) };
    const claim = (await this.claims.settled(first.key, WAIT_MS)) ?? first;
    const answer = claim.state === 'settled' ? answerOf(claim) : undefined;
    if (answer) return { kind: 'replay', answer };
    if (claim.state === 'in_doubt') return { kind: 'refused', refusal: await this.settlement.doubtAbout(claim.key) };
    return { kind: 'refused', refusal: refusalOf(claim.state, claim.reason) };
  }
}

const NONCE_USED = 'invalid_exact_evm_nonce_already_used';

const creditSpent: Refusal = {
  status: 409,
  code: 'payment_credit_spent',
  detail: 'This payment became wallet credit, and the credit has been spent since.',
  hint: 'Sign a new payment for this request.',
};

const mayTakeOver = (claim: Claim, fingerprint: string): boolean =>
  CLAIMABLE.includes(claim.state) && claim.fingerprint === fingerprint;

function refusalOf(state: Exclude<ClaimState, 'in_doubt'>, reason: string | null): Refusal {
  switch (state) {
    case 'settled':
      return answerNotKept;
    case 'failed':
      return refusedPayment(reason ?? 'unexpected_settle_error');
    case 'working':
    case 'settling':
    case 'paid':
    case 'released':
      return inProgress;
  }
}
