import { Injectable } from '@nestjs/common';
import { usdc } from '../../common/money';
import { CustomersService } from '../../customers/customers.service';
import { DatabaseService } from '../../database/database.service';
import { CLAIMABLE, type Claim, type ClaimRefusal } from '../claim';
import { ClaimsService } from '../claims.service';
import { Exposures } from '../exposures.service';
import type { HoldOutcome, PaymentRequirements, Work } from '../payment-scheme';
import { alreadyUsed, inProgress, payerExposed, paymentOwed, type Refusal } from '../refusal';
import { Repeats, type RepeatTerms } from '../repeats.service';
import type { UptoClaimPayment, UptoHold } from './upto-hold';
import { boundTo, lapseOf, mismatchOf, paymentIdOf, refusedPayment, type UptoPayment } from './upto-payment';
import { answerOf } from './upto-response';
import { type GoodPayment, UptoVerification } from './upto-verification.service';

/** A reading that does not suffice is repeated: its claims may have been settled meanwhile. */
const MOST_READINGS = 3;

/** Decides whether a payment may have its work done: one signed payment, one piece of work, however many copies. */
@Injectable()
export class UptoAdmission {
  constructor(
    private readonly database: DatabaseService,
    private readonly customers: CustomersService,
    private readonly verification: UptoVerification,
    private readonly claims: ClaimsService,
    private readonly repeats: Repeats,
    private readonly exposures: Exposures,
  ) {}

  /** By its signature alone. Never throws. */
  isSigned(payment: UptoPayment, network: string): Promise<boolean> {
    return this.verification.isSigned(payment, network).catch(() => false);
  }

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
    if (typeof claim === 'string') return this.followOrRefuse(key, fingerprint, NOT_TAKEN[claim]);
    const refusal = await this.uncovered(payment, hold);
    if (!refusal) return { kind: 'held', hold };
    await this.claims.move(key, work.callId, 'released');
    return { kind: 'refused', refusal };
  }

  /**
   * Whether the payer's balance does not bear all that is claimed, as it is now: a settlement of ours that was mined since
   * it was read had its claim still counted then, and has not any more.
   */
  private async uncovered(payment: UptoPayment, { payer, claimPayment }: UptoHold): Promise<Refusal | undefined> {
    const { network } = claimPayment.requirements;
    for (let tries = 0; tries < MOST_READINGS; tries++) {
      // Claims before balance: what is settled in between is counted twice rather than not at all.
      const claimed = await this.exposures.ofPayer(this.database, network, payer);
      const verdict = await this.verification.verdictOn(payment, network);
      if (verdict.kind === 'refused') return verdict.refusal;
      if (claimed <= verdict.most) return undefined;
    }
    return payerExposed;
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

  private follow(first: Claim, fingerprint: string): Promise<HoldOutcome> {
    return this.repeats.follow(first, fingerprint, TERMS);
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

const TERMS: RepeatTerms = {
  used: alreadyUsed('permit2_invalid_nonce'),
  failed: refusedPayment,
  answerTo: answerOf,
};

const NOT_TAKEN: Readonly<Record<ClaimRefusal, Refusal>> = {
  taken: inProgress,
  owing: paymentOwed,
  over_exposed: payerExposed,
};
