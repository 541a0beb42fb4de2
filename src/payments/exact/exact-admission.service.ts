import { Inject, Injectable } from '@nestjs/common';
import { usdc } from '../../common/money';
import { CONFIG } from '../../config/config.module';
import type { Config, X402Config } from '../../config/config';
import { customerCredits } from '../../ledger/ledger-account';
import { LedgerService } from '../../ledger/ledger.service';
import { CLAIMABLE, type Claim, type ClaimRefusal, type NewClaim } from '../claim';
import { ClaimsService } from '../claims.service';
import type { HoldOutcome, PaymentRequirements, Work } from '../payment-scheme';
import { alreadyUsed, inDoubt, inProgress, payerExposed, paymentOwed, type Refusal } from '../refusal';
import { Repeats, type RepeatTerms } from '../repeats.service';
import { ExactVerification } from './exact-verification.service';
import { answerOf } from './exact-answer';
import type { ExactHold } from './exact-hold';
import { boundTo, type ExactPayment, lapseOf, mismatchOf, paymentIdOf, refusedPayment } from './exact-payment';
import type { ExactClaimPayment } from './exact-claim';
import { ExactSettlement } from './exact-settlement.service';
import { pendingHeaders } from './exact-receipt';
import { settlementHeaders } from './settlement-headers';

/** Decides whether a payment may have its work done: one signed payment, one piece of work, however many copies. */
@Injectable()
export class ExactAdmission {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly verification: ExactVerification,
    private readonly claims: ClaimsService,
    private readonly settlement: ExactSettlement,
    private readonly ledger: LedgerService,
    private readonly repeats: Repeats,
  ) {}

  /** By its signature alone. Never throws. */
  isSigned(payment: ExactPayment): Promise<boolean> {
    return this.verification.isSigned(payment).catch(() => false);
  }

  async admit(payment: ExactPayment, required: PaymentRequirements, work: ExactWork): Promise<HoldOutcome> {
    const { from, nonce } = payment.authorization;
    const key = paymentIdOf(required.network, required.asset, from, nonce);
    const fingerprint = boundTo(payment, work.fingerprint);
    // A copy is recognised before it is verified: its nonce is used by the time that the first one is settled.
    const earlier = await this.claims.find(key);
    if (earlier && !mayTakeOver(earlier, fingerprint)) return this.follow(earlier, fingerprint);
    let judged: Pick<ExactClaimPayment, 'byContract' | 'facilitator' | 'codelessAt'> = {};
    let mayOwe = 0n;
    let seen: bigint | undefined;
    if (earlier?.state !== 'paid') {
      const mismatch = mismatchOf(payment, required);
      if (mismatch) return this.followOrRefuse(key, fingerprint, mismatch);
      const asked = Date.now();
      const verification = await this.verification.verify(payment, required);
      if (verification.kind === 'refused') return this.followOrRefuse(key, fingerprint, verification.refusal);
      const { byContract, facilitator, balance } = verification;
      const hosted = facilitator === undefined ? {} : { facilitator };
      judged = { byContract, ...hosted, ...(byContract ? {} : { codelessAt: asked }) };
      if (work.answersAfterClaim) mayOwe = balance ?? 0n;
      // A stream is settled before its work.
      if (!work.stream) seen = balance;
    }
    const given: ExactClaimPayment = {
      payment: { authorization: payment.authorization, signature: payment.signature },
      requirements: required,
      ...judged,
    };
    const customer = await this.verification.customerOf(from);
    const claim = await this.take(
      {
        key,
        scheme: 'exact',
        fingerprint,
        callId: work.callId,
        customerId: customer,
        validBefore: lapseOf(payment.authorization),
        despiteDebt: work.repaysDebt === true,
        ...(seen !== undefined && { share: shareOf(required, from, seen) }),
      },
      given,
      mayOwe,
    );
    if (claim === 'owing') return { kind: 'refused', refusal: paymentOwed };
    if (claim === 'over_exposed') return this.exposed(key, fingerprint);
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
    if (claim.transaction !== null) {
      const cost = await this.settlement.costOf(claim);
      return this.holdCredit({ ...hold, cost }, claim.transaction, work.repaysDebt);
    }
    if (claimPayment.answersFirst) return { kind: 'held', hold: { ...hold, streamHeaders: pendingHeaders(hold) } };
    return work.stream ? this.settleFirst(hold, work.repaysDebt) : { kind: 'held', hold };
  }

  /**
   * With the answer before the settlement, as far as the payer and all payers may be exposed; a payment beyond that is
   * settled first. `balance`: what the payer was seen to have, zero where nothing is answered first.
   */
  private async take(
    claim: Omit<NewClaim, 'payment'>,
    payment: ExactClaimPayment,
    balance: bigint,
  ): Promise<Claim | ClaimRefusal> {
    const { perPayer, total } = (this.config.x402 as X402Config).exposure;
    const { network, amount } = payment.requirements;
    const payer = payment.payment.authorization.from;
    const most = balance < perPayer ? balance : perPayer;
    const exposed = { network, payer, exposure: BigInt(amount), most, total };
    const first = { ...claim, payment: { ...payment, answersFirst: true } };
    const taken = most < exposed.exposure ? 'over_exposed' : await this.claims.take(first, exposed);
    return taken === 'over_exposed' ? this.claims.take({ ...claim, payment }) : taken;
  }

  /** A stream's headers carry its settlement, so it is settled before the work; the amount is credit until captured. */
  private async settleFirst(hold: ExactHold, repaysDebt: boolean | undefined): Promise<HoldOutcome> {
    const { claimKey: key, callId, customerId, claimPayment: payment } = hold;
    if (!(await this.claims.move(key, callId, 'settling'))) return { kind: 'refused', refusal: inProgress };
    const outcome = await this.settlement.settle({ key, callId, customerId, payment, capture: null }, 'working');
    if (outcome.kind === 'settled') {
      const cost = this.settlement.priced(payment, outcome.feeWei);
      return this.holdCredit({ ...hold, cost }, outcome.transaction, repaysDebt);
    }
    const refusal = outcome.kind === 'failed' ? refusedPayment(outcome.reason) : inDoubt(outcome.transaction);
    return { kind: 'refused', refusal };
  }

  /** What repays a debt need not be held: the credit of a wallet that owes is frozen until it is repaid from it. */
  private async holdCredit(
    hold: ExactHold,
    transaction: string,
    repaysDebt: boolean | undefined,
  ): Promise<HoldOutcome> {
    const { network, amount } = hold.claimPayment.requirements;
    const headers = settlementHeaders({ transaction, network, payer: hold.payer, amount });
    const held: ExactHold = { ...hold, transaction, headers };
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
    return { kind: 'held', hold: held };
  }

  /** The first one may have been settled while this copy was being verified: then its answer counts. */
  private async followOrRefuse(key: string, fingerprint: string, refusal: Refusal): Promise<HoldOutcome> {
    const first = await this.claims.find(key);
    return first ? this.follow(first, fingerprint) : { kind: 'refused', refusal };
  }

  /** A copy of one that is worked on follows it; one that nobody works on would wait in vain. */
  private async exposed(key: string, fingerprint: string): Promise<HoldOutcome> {
    const first = await this.claims.find(key);
    if (first && !mayTakeOver(first, fingerprint)) return this.follow(first, fingerprint);
    return { kind: 'refused', refusal: payerExposed };
  }

  private follow(first: Claim, fingerprint: string): Promise<HoldOutcome> {
    return this.repeats.follow(first, fingerprint, TERMS);
  }
}

/** What the payment is for. */
export type ExactWork = Pick<Work, 'callId' | 'fingerprint' | 'stream' | 'answersAfterClaim'> & {
  /** It becomes the wallet's own credit: what the wallet owes is no reason to refuse it. */
  readonly repaysDebt?: boolean;
};

const shareOf = ({ network, asset, amount }: PaymentRequirements, payer: string, balance: bigint) => ({
  payer: `${network}:${asset}:${payer.toLowerCase()}`,
  atoms: BigInt(amount),
  balance,
});

const NONCE_USED = 'invalid_exact_evm_nonce_already_used';

const TERMS: RepeatTerms = { used: alreadyUsed(NONCE_USED), failed: refusedPayment, answerTo: answerOf };

const creditSpent: Refusal = {
  status: 409,
  code: 'payment_credit_spent',
  detail: 'This payment became wallet credit, and the credit has been spent since.',
  hint: 'Sign a new payment for this request.',
};

const mayTakeOver = (claim: Claim, fingerprint: string): boolean =>
  CLAIMABLE.includes(claim.state) && claim.fingerprint === fingerprint;
