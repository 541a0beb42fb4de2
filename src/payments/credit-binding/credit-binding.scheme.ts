import { Inject, Injectable } from '@nestjs/common';
import { usd } from '../../common/money';
import { CONFIG } from '../../config/config.module';
import type { Config } from '../../config/config';
import { UsageRecordsService } from '../../metering/usage-records.service';
import { chargedTo } from '../charged';
import type { Claim, KeptAnswer, PendingCapture } from '../claim';
import { ClaimsService } from '../claims.service';
import { patiently } from '../patiently';
import type { UnreadablePayment } from '../payment-envelope';
import type {
  CaptureOutcome,
  Delivery,
  Failure,
  Hold,
  HoldOutcome,
  PaymentPayload,
  PaymentRequirements,
  PaymentScheme,
  RequestHeaders,
  Work,
} from '../payment-scheme';
import { inProgress } from '../refusal';
import { BindingAdmission } from './binding-admission.service';
import { type BindingHold, paidBy } from './binding-hold';
import { type BindingPayment, findBindingPayment, SCHEME } from './binding-payment';
import { bindingRequirements } from './binding-requirements';
import { BindingSettlement, type SettlingClaim } from './binding-settlement.service';
import { CREDIT_AUTHORITY, type CreditAuthority } from './credit-authority';

/** Longer than a settlement takes, its patience with the database included. */
const SETTLING_LEASE_SECONDS = 90;

/** Prepaid credit as an x402 payment: the authority's attestation holds whole cents, the call takes what it used. */
@Injectable()
export class CreditBindingScheme implements PaymentScheme {
  readonly name = SCHEME;

  constructor(
    @Inject(CREDIT_AUTHORITY) private readonly authority: CreditAuthority,
    private readonly admission: BindingAdmission,
    private readonly settlement: BindingSettlement,
    private readonly claims: ClaimsService,
    private readonly usages: UsageRecordsService,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  requirements(work: Work): readonly PaymentRequirements[] {
    return bindingRequirements(this.authority, work.quote.ceiling, this.config.upstream.timeoutMs);
  }

  find(headers: RequestHeaders): PaymentPayload | undefined {
    const { network } = this.authority;
    return network === undefined ? undefined : findBindingPayment(headers, network);
  }

  /** Whose credit it is, when we signed for it. */
  async prove(payment: PaymentPayload): Promise<string | undefined> {
    const given = payment as BindingPayment | UnreadablePayment;
    return 'refusal' in given ? undefined : (await this.authority.read(given.attestation))?.sub;
  }

  answerTo(claim: Claim): KeptAnswer | undefined {
    return claim.answer;
  }

  async hold(payment: PaymentPayload, work: Work): Promise<HoldOutcome> {
    const given = payment as BindingPayment | UnreadablePayment;
    if ('refusal' in given) return { kind: 'refused', refusal: given.refusal };
    const [required] = this.requirements(work);
    return this.admission.admit(given, required as PaymentRequirements, work);
  }

  /** The answer and the charge are durable before the money moves: a repeat after a crash is never charged again. */
  async capture(hold: Hold, delivery: Delivery): Promise<CaptureOutcome> {
    const held = hold as BindingHold;
    const { claimKey: key } = held;
    const charge = chargedTo(held, delivery.charge.amount);
    const capture: PendingCapture = {
      asset: 'USD',
      charge: charge.atoms.toString(),
      held: held.amount.atoms.toString(),
      rows: delivery.rows(paidBy(held, charge)),
    };
    const { answer } = delivery;
    const change = { capture, answer, leaseSeconds: SETTLING_LEASE_SECONDS };
    const claim = { ...held, key, capture, answer };
    if (await patiently(() => this.claims.move(key, held.callId, 'settling', change))) {
      return this.settlement.settle(claim);
    }
    return this.capturedBefore(claim, delivery);
  }

  /** Settles at zero: the attestation is spent, and its credit is free at once. Till then nobody else may claim it. */
  async release(hold: Hold, failure: Failure): Promise<void> {
    const { claimKey, callId, jti } = hold as BindingHold;
    const { usage } = failure.rows(paidBy(hold as BindingHold, usd(0n)));
    try {
      if (usage) await this.usages.record(usage);
      const claim = await this.claims.find(claimKey);
      if (claim?.callId !== callId || claim.state !== 'working') return;
      await this.settlement.release(jti);
      await this.claims.move(claimKey, callId, 'released');
    } catch (error) {
      this.claims.leave(claimKey, callId);
      throw error;
    }
  }

  /** A repeat settles on the first one's terms, which changes nothing. What a worker without its claim has delivered is owed. */
  private async capturedBefore(held: SettlingClaim, delivery: Delivery): Promise<CaptureOutcome> {
    const claim = await patiently(() => this.claims.find(held.key));
    if (claim?.callId !== held.callId && delivery.delivered) return patiently(() => this.settlement.owe(held));
    const ours = claim?.callId === held.callId && (claim.state === 'settling' || claim.state === 'settled');
    if (!ours || !claim.capture) return { kind: 'refused', refusal: inProgress };
    const { key, capture, answer } = claim;
    return this.settlement.settle({ ...held, key, capture, answer });
  }
}
