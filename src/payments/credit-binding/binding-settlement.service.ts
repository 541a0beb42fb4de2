import { Inject, Injectable } from '@nestjs/common';
import { canonicalHash } from '../../common/canonical-json';
import { type Money, usd } from '../../common/money';
import { callCaptured } from '../../ledger/entries';
import { customerCredits } from '../../ledger/ledger-account';
import { LedgerRefusedError } from '../../ledger/ledger-error';
import { LedgerService } from '../../ledger/ledger.service';
import type { SettleFault, Settlement } from '../authority/commitment';
import { settleResponse } from '../authority/settle-response';
import type { KeptAnswer, PendingCapture } from '../claim';
import { ClaimsService } from '../claims.service';
import { patiently } from '../patiently';
import { base64 } from '../payment-required';
import type { CaptureOutcome } from '../payment-scheme';
import type { BindingClaimPayment } from './binding-hold';
import { refusedAttestation } from './binding-payment';
import { CREDIT_AUTHORITY, type CreditAuthority } from './credit-authority';

/** A claim that is `settling`: its charge and its answer are kept. */
export interface SettlingClaim extends BindingClaimPayment {
  readonly key: string;
  readonly callId: string;
  readonly customerId: string;
  readonly capture: PendingCapture;
  readonly answer: KeptAnswer | undefined;
}

/** Settles what a call used of its attestation: once, however often and from however many processes it is asked to. */
@Injectable()
export class BindingSettlement {
  constructor(
    @Inject(CREDIT_AUTHORITY) private readonly authority: CreditAuthority,
    private readonly claims: ClaimsService,
    private readonly ledger: LedgerService,
  ) {}

  /** Work that is delivered is not given away because the database is away for a moment: it is asked again. */
  async settle(claim: SettlingClaim): Promise<CaptureOutcome> {
    try {
      return await patiently(() => this.settleNow(claim));
    } catch (error) {
      this.claims.leave(claim.key, claim.callId);
      throw error;
    }
  }

  /** Frees what is held for work that was not delivered: the draft's settlement at zero. Safe to repeat. */
  async release(jti: string): Promise<void> {
    await this.authority.settle({ jti, charge: usd(0n), hash: canonicalHash('released') });
  }

  private async settleNow(claim: SettlingClaim): Promise<CaptureOutcome> {
    const { key, callId, jti, network, capture, answer } = claim;
    const charge = usd(BigInt(capture.charge));
    const outcome = await this.authority.settle({
      jti,
      charge,
      hash: canonicalHash({ callId, charge: capture.charge }),
      entryFor: (bundleId) => callCaptured({ callId, customerId: bundleId, charge }),
      rows: capture.rows,
    });
    if (!outcome.ok && claim.answersFirst) return this.owe(claim);
    if (!outcome.ok) {
      const reason = TOLD[outcome.fault] ?? outcome.fault;
      await this.claims.move(key, callId, 'failed', { reason });
      return { kind: 'refused', refusal: refusedAttestation(reason) };
    }
    const paid = captured(outcome.settlement, charge, network);
    const kept = answer && { ...answer, headers: { ...answer.headers, ...paid.receipt.headers } };
    await this.claims.move(key, callId, 'settled', kept === undefined ? {} : { answer: kept });
    return paid;
  }

  /**
   * What has been delivered cannot be withheld any more: an attestation that was revoked, or ran out, in mid-stream was
   * good when the work was claimed. Its bundle is charged without the hold, and owes what it does not bear. Safe to repeat.
   */
  async owe(claim: SettlingClaim): Promise<CaptureOutcome> {
    const { key, callId, customerId, capture, answer } = claim;
    const charge = usd(BigInt(capture.charge));
    const entry = callCaptured({ callId, customerId, charge });
    const posted = await this.ledger.post(entry, capture.rows, customerCredits(customerId, 'USD'));
    if (posted.verdict !== 'posted' && posted.verdict !== 'replayed')
      throw new LedgerRefusedError(`debt of call ${callId}`, posted.verdict);
    await this.claims.move(key, callId, 'settled', answer === undefined ? {} : { answer });
    return { kind: 'captured', receipt: { charge, balance: posted.balance, headers: {} } };
  }
}

/** What a client is told, by the draft's words for it. */
const TOLD: Readonly<Partial<Record<SettleFault, string>>> = {
  revoked: 'attestation_revoked',
  hold_expired: 'attestation_expired',
};

function captured(settlement: Settlement, charge: Money, network: string) {
  const balance = usd(BigInt(settlement.balanceNanoUsd));
  const headers = { 'payment-response': base64(settleResponse(settlement, network)) };
  return { kind: 'captured' as const, receipt: { charge, balance, headers } };
}
