import { Inject, Injectable } from '@nestjs/common';
import { CONFIG } from '../../config/config.module';
import type { Config } from '../../config/config';
import type { Claim, KeptAnswer } from '../claim';
import type {
  CaptureOutcome,
  Delivery,
  Failure,
  HoldOutcome,
  Hold,
  PaymentPayload,
  PaymentRequirements,
  PaymentScheme,
  RequestHeaders,
  Work,
} from '../payment-scheme';
import type { UnreadablePayment } from '../payment-envelope';
import { ExactAdmission } from './exact-admission.service';
import { answerOf } from './exact-answer';
import { ExactCapture } from './exact-capture.service';
import type { ExactHold } from './exact-hold';
import { type ExactPayment, findExactPayment } from './exact-payment';
import { exactRequirements, rowFor } from './exact-requirements';

/**
 * x402 `exact` on EVM: the payer signs a transfer of the quote's ceiling, which is settled on the chain. What the call
 * did not use is the payer's wallet credit. An answer in one piece is settled after the work and before it is sent;
 * a stream is settled before the work, because its headers carry the settlement. Where a verified claim is enough, both
 * are answered first.
 */
@Injectable()
export class ExactScheme implements PaymentScheme {
  readonly name = 'exact';

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly admission: ExactAdmission,
    private readonly captures: ExactCapture,
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

  capture(hold: Hold, delivery: Delivery): Promise<CaptureOutcome> {
    return this.captures.capture(hold as ExactHold, delivery);
  }

  release(hold: Hold, failure: Failure): Promise<void> {
    return this.captures.release(hold as ExactHold, failure);
  }
}
