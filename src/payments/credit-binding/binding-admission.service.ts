import { Inject, Injectable } from '@nestjs/common';
import { fromCents } from '../authority/cents';
import type { Claim } from '../claim';
import { ClaimsService } from '../claims.service';
import type { HoldOutcome, PaymentRequirements, Work } from '../payment-scheme';
import { answerNotKept, inProgress, type Refusal } from '../refusal';
import { type BindingClaimPayment, type BindingHold, claimKeyOf } from './binding-hold';
import { type BindingPayment, boundTo, refusedAttestation, SCHEME } from './binding-payment';
import { CREDIT_AUTHORITY, type CreditAuthority } from './credit-authority';

/** How long a copy of a payment waits for the first one's answer. */
const WAIT_MS = 60_000;

/** Decides whether an attestation may have its work done: one attestation, one piece of work, however many copies. */
@Injectable()
export class BindingAdmission {
  constructor(
    @Inject(CREDIT_AUTHORITY) private readonly authority: CreditAuthority,
    private readonly claims: ClaimsService,
  ) {}

  /** Verification alone prevents a second charge, not a second execution: the draft wants a claim on `jti`. */
  async admit(payment: BindingPayment, required: PaymentRequirements, work: Work): Promise<HoldOutcome> {
    const { attestation, accepted } = payment;
    const claims = await this.authority.read(attestation);
    if (!claims) return refused(refusedAttestation('attestation_invalid'));
    const key = claimKeyOf(claims.jti);
    const fingerprint = boundTo(attestation, work.fingerprint);
    // A copy is recognised before it is verified: its commitment has ended by the time that the first one is settled.
    const earlier = await this.claims.find(key);
    if (earlier) return this.follow(earlier, fingerprint);
    const { amount, asset } = required;
    const presented = { attestation, accepted, resourceUrl: work.resource.url, amount, asset };
    const verified = await this.authority.verify(presented);
    if (!verified.isValid) return this.followOrRefuse(key, fingerprint, refusedAttestation(verified.invalidReason));
    const given: BindingClaimPayment = { jti: claims.jti, network: required.network, answersFirst: work.stream };
    const claim = await this.claims.take({
      key,
      scheme: SCHEME,
      fingerprint,
      callId: work.callId,
      customerId: claims.sub,
      payment: given,
      validBefore: new Date(claims.exp * 1000),
      // The credit is held already: what its wallet may owe in another asset was for the authority to ask.
      despiteDebt: true,
    });
    if (typeof claim === 'string') return this.followOrRefuse(key, fingerprint, inProgress);
    // A copy may have been claimed and released since it was verified: then its credit is not held any more.
    const stillHeld = await this.authority.verify(presented);
    if (!stillHeld.isValid) {
      await this.claims.move(key, work.callId, 'released');
      return refused(refusedAttestation(stillHeld.invalidReason));
    }
    const hold: BindingHold = {
      callId: work.callId,
      scheme: SCHEME,
      customerId: claims.sub,
      apiKeyId: null,
      payer: claims.sub,
      amount: fromCents(BigInt(claims.amount)),
      capped: true,
      claimKey: key,
      headers: {},
      ...given,
    };
    return { kind: 'held', hold };
  }

  private async followOrRefuse(key: string, fingerprint: string, refusal: Refusal): Promise<HoldOutcome> {
    const first = await this.claims.find(key);
    return first ? this.follow(first, fingerprint) : refused(refusal);
  }

  private async follow(first: Claim, fingerprint: string): Promise<HoldOutcome> {
    if (first.fingerprint !== fingerprint) return refused(refusedAttestation('attestation_invalid'));
    const claim = await this.claims.settled(first.key, WAIT_MS);
    if (claim?.answer && claim.state === 'settled') return { kind: 'replay', answer: claim.answer };
    if (claim?.state === 'settled') return refused(answerNotKept);
    // Released is spent: its commitment is settled at zero, or is about to be.
    if (claim?.state === 'released') return refused(refusedAttestation('attestation_invalid'));
    return refused(claim?.state === 'failed' ? refusedAttestation(claim.reason ?? 'settle_failed') : inProgress);
  }
}

const refused = (refusal: Refusal): HoldOutcome => ({ kind: 'refused', refusal });
