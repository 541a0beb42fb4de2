import { Inject, Injectable } from '@nestjs/common';
import { type Money, usd } from '../../common/money';
import { callCaptured } from '../../ledger/entries';
import { canonicalHash } from '../authority/canonical-json';
import type { Settlement } from '../authority/commitment';
import { settleResponse } from '../authority/settle-response';
import type { KeptAnswer, PendingCapture } from '../claim';
import { ClaimsService } from '../claims.service';
import { patiently } from '../credit/credit-capture.service';
import { base64 } from '../payment-required';
import type { CaptureOutcome } from '../payment-scheme';
import { refusedAttestation } from './binding-payment';
import { CREDIT_AUTHORITY, type CreditAuthority } from './credit-authority';

/** A claim that is `settling`: its charge and its answer are kept. */
export interface SettlingClaim {
  readonly key: string;
  readonly callId: string;
  readonly jti: string;
  readonly network: string;
  readonly capture: PendingCapture;
  readonly answer: KeptAnswer | undefined;
}

/** Settles what a call used of its attestation: once, however often and from however many processes it is asked to. */
@Injectable()
export class BindingSettlement {
  constructor(
    @Inject(CREDIT_AUTHORITY) private readonly authority: CreditAuthority,
    private readonly claims: ClaimsService,
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

  private async settleNow({ key, callId, jti, network, capture, answer }: SettlingClaim): Promise<CaptureOutcome> {
    const charge = usd(BigInt(capture.charge));
    const outcome = await this.authority.settle({
      jti,
      charge,
      hash: canonicalHash({ callId, charge: capture.charge }),
      entryFor: (bundleId) => callCaptured({ callId, customerId: bundleId, charge }),
      rows: capture.rows,
    });
    if (!outcome.ok) {
      await this.claims.move(key, callId, 'failed', { reason: outcome.fault });
      return { kind: 'refused', refusal: refusedAttestation(outcome.fault) };
    }
    const paid = captured(outcome.settlement, charge, network);
    const kept = answer && { ...answer, headers: { ...answer.headers, ...paid.receipt.headers } };
    await this.claims.move(key, callId, 'settled', kept === undefined ? {} : { answer: kept });
    return paid;
  }
}

function captured(settlement: Settlement, charge: Money, network: string) {
  const balance = usd(BigInt(settlement.balanceNanoUsd));
  const headers = { 'payment-response': base64(settleResponse(settlement, network)) };
  return { kind: 'captured' as const, receipt: { charge, balance, headers } };
}
