import { Injectable } from '@nestjs/common';
import { usdc } from '../../common/money';
import { CustomersService } from '../../customers/customers.service';
import { DatabaseService } from '../../database/database.service';
import { CLAIMABLE, type Claim, type ClaimRefusal, type ClaimState } from '../claim';
import { ClaimsService } from '../claims.service';
import type { HoldOutcome, PaymentRequirements, Work } from '../payment-scheme';
import { alreadyUsed, answerNotKept, inProgress, payerExposed, paymentOwed, type Refusal } from '../refusal';
import type { UptoClaimPayment, UptoHold } from './upto-hold';
import { boundTo, lapseOf, mismatchOf, paymentIdOf, refusedPayment, type UptoPayment } from './upto-payment';
import { responseHeaders } from './upto-response';
import { UptoSettlement } from './upto-settlement.service';
import { type GoodPayment, UptoVerification } from './upto-verification.service';

/** How long a copy of a payment waits for the first one's answer. */
const WAIT_MS = 30_000;

/** Decides whether a payment may have its work done: one signed payment, one piece of work, however many copies. */
@Injectable()
export class UptoAdmission {
  constructor(
    private readonly database: DatabaseService,
    private readonly customers: CustomersService,
    private readonly verification: UptoVerification,
    private readonly claims: ClaimsService,
    private readonly settlement: UptoSettlement,
  ) {}

  async admit(
    payment: UptoPayment,
    required: PaymentRequirements,
    facilitators: readonly string[],
    work: Pick<Work, 'callId' | 'fingerprint' | 'stream'>,
  ): Promise<HoldOutcome> {
    const { authorization } = payment;
    const key = paymentIdOf(required.network, authorization);
    const fingerprint = boundTo(payment, work.fingerprint);
    // A copy is recognised before it is verified: its nonce is used by the time that the first one is settled.
    const earlier = await this.claims.find(key);
    const mayTakeOver = earlier && CLAIMABLE.includes(earlier.state) && earlier.fingerprint === fingerprint;
    if (earlier && !mayTakeOver) return this.follow(earlier, fingerprint);
    const mismatch = mismatchOf(payment, required, facilitators);
    if (mismatch) return this.followOrRefuse(key, fingerprint, mismatch);
    const verdict = await this.verification.verdictOn(payment, required.network);
    if (verdict.kind === 'refused') return this.followOrRefuse(key, fingerprint, verdict.refusal);
    const claimPayment = claimPaymentOf(payment, required, verdict, work.stream);
    const hold = await this.holdFor(authorization.from, key, claimPayment, work.callId);
    const claim = await this.claims.take(
      {
        key,
        scheme: 'upto',
        fingerprint,
        callId: work.callId,
        customerId: hold.customerId,
        payment: claimPayment,
        validBefore: lapseOf(authorization),
      },
      { network: required.network, payer: hold.payer, exposure: hold.amount.atoms, most: verdict.most },
    );
    return typeof claim === 'string' ? this.followOrRefuse(key, fingerprint, NOT_TAKEN[claim]) : { kind: 'held', hold };
  }

  private async holdFor(
    payer: string,
    claimKey: string,
    claimPayment: UptoClaimPayment,
    callId: string,
  ): Promise<UptoHold> {
    return {
      callId,
      scheme: 'upto',
      customerId: (await this.customers.forWallet(this.database, payer)).id,
      apiKeyId: null,
      payer,
      amount: usdc(BigInt(claimPayment.requirements.amount)),
      capped: true,
      claimKey,
      headers: {},
      claimPayment,
    };
  }

  /** The first one may have been settled while this copy was being verified: then its answer counts. */
  private async followOrRefuse(key: string, fingerprint: string, refusal: Refusal): Promise<HoldOutcome> {
    const first = await this.claims.find(key);
    const mayTryAgain = !first || CLAIMABLE.includes(first.state);
    return mayTryAgain ? { kind: 'refused', refusal } : this.follow(first, fingerprint);
  }

  private async follow(first: Claim, fingerprint: string): Promise<HoldOutcome> {
    if (first.fingerprint !== fingerprint) return { kind: 'refused', refusal: alreadyUsed('permit2_invalid_nonce') };
    const claim = (await this.claims.settled(first.key, WAIT_MS)) ?? first;
    if (claim.state === 'settled' && claim.answer) {
      const headers = { ...claim.answer.headers, ...responseHeaders(claim) };
      return { kind: 'replay', answer: { ...claim.answer, headers } };
    }
    if (claim.state === 'in_doubt') return { kind: 'refused', refusal: await this.settlement.doubtAbout(claim.key) };
    return { kind: 'refused', refusal: refusalOf(claim.state, claim.reason) };
  }
}

const claimPaymentOf = (
  { authorization, signature }: UptoPayment,
  requirements: PaymentRequirements,
  { permit, contractPayer }: GoodPayment,
  answersFirst: boolean,
): UptoClaimPayment => ({
  authorization,
  signature,
  permit: permit ?? null,
  requirements,
  contractPayer,
  answersFirst,
});

const NOT_TAKEN: Readonly<Record<ClaimRefusal, Refusal>> = {
  taken: inProgress,
  owing: paymentOwed,
  over_exposed: payerExposed,
};

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
