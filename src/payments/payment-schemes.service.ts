import { Inject, Injectable } from '@nestjs/common';
import { BillingError } from '../common/billing-error';
import { CONFIG } from '../config/config.module';
import type { Config } from '../config/config';
import { PaymentRequiredError } from './payment-required';
import type { PaymentPayload, PaymentScheme, RequestHeaders, Work } from './payment-scheme';
import type { Refusal } from './refusal';

/** Injection token of every scheme there is. */
export const PAYMENT_SCHEMES = Symbol('PAYMENT_SCHEMES');

/** Chooses how a request pays, and says how it could. */
@Injectable()
export class PaymentSchemesService {
  constructor(
    @Inject(PAYMENT_SCHEMES) private readonly schemes: readonly PaymentScheme[],
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** @throws PaymentRequiredError `payment_required` when the request carries no payment. */
  choose(headers: RequestHeaders, work: Work): { scheme: PaymentScheme; payment: PaymentPayload } {
    for (const scheme of this.schemes) {
      const payment = scheme.find(headers);
      if (payment) return { scheme, payment };
    }
    throw new PaymentRequiredError(work, this.requirements(work), this.topUpUrl);
  }

  /** A refusal as the error that its status demands; a 402 carries every way to pay. */
  refused(refusal: Refusal, work: Work): BillingError {
    if (refusal.status === 402) return new PaymentRequiredError(work, this.requirements(work), this.topUpUrl, refusal);
    return new BillingError({
      code: refusal.code,
      status: refusal.status,
      title: TITLES[refusal.status],
      detail: refusal.detail,
      hint: refusal.hint,
      headers: {
        ...(refusal.retryAfter === undefined ? {} : { 'retry-after': String(refusal.retryAfter) }),
        ...(refusal.status === 401 ? { 'www-authenticate': 'Bearer realm="tollbridge"' } : {}),
      },
      members: { ...refusal.members },
    });
  }

  private requirements(work: Work) {
    return this.schemes.flatMap((scheme) => scheme.requirements(work));
  }

  private get topUpUrl(): string {
    return `${this.config.http.publicUrl ?? `http://${this.config.http.host}:${this.config.http.port}`}/v1/topups`;
  }
}

const TITLES: Readonly<Record<Refusal['status'], string>> = {
  400: 'The payment cannot be read',
  401: 'Not authenticated',
  402: 'Payment required',
  403: 'Not allowed',
  409: 'Conflict',
  503: 'The payment is not finished',
};
