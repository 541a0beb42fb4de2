import { Inject, Injectable } from '@nestjs/common';
import { BillingError } from '../common/billing-error';
import { CONFIG } from '../config/config.module';
import type { Config } from '../config/config';
import { NetworksService } from './chain/networks.service';
import type { Claim } from './claim';
import { envelopeOf } from './payment-envelope';
import { PaymentExtensions } from './payment-extensions.service';
import { IdentifiedPayments } from './payment-identifier/identified-payments.service';
import { PaymentRequiredError } from './payment-required';
import type {
  HoldOutcome,
  PaymentPayload,
  PaymentRequirements,
  PaymentScheme,
  RequestHeaders,
  Work,
} from './payment-scheme';
import { type Refusal, unsupportedScheme } from './refusal';

/** Injection token of every scheme there is. */
export const PAYMENT_SCHEMES = Symbol('PAYMENT_SCHEMES');

/** Chooses how a request pays, and says how it could. */
@Injectable()
export class PaymentSchemesService {
  constructor(
    @Inject(PAYMENT_SCHEMES) private readonly schemes: readonly PaymentScheme[],
    private readonly extensions: PaymentExtensions,
    private readonly identified: IdentifiedPayments,
    private readonly networks: NetworksService,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /**
   * @throws PaymentRequiredError `payment_required` when the request carries no payment, `unsupported_scheme` when
   * nobody here takes the one that it carries; BillingError `invalid_payload` when that cannot be read.
   */
  async choose(headers: RequestHeaders, work: Work): Promise<{ scheme: PaymentScheme; payment: PaymentPayload }> {
    const envelope = envelopeOf(headers);
    const offered = envelope !== undefined && this.requirements(work).length > 0;
    if (offered && 'refusal' in envelope) throw await this.refused(envelope.refusal, work);
    for (const scheme of this.schemes) {
      const payment = scheme.find(headers);
      if (payment) return { scheme, payment };
    }
    throw await this.paymentRequired(work, offered ? unsupportedScheme : undefined);
  }

  /** Checks and claims the payment: the one way into a scheme's `hold`. */
  hold(scheme: PaymentScheme, payment: PaymentPayload, work: Work): Promise<HoldOutcome> {
    const answerTo = (claim: Claim) => this.schemes.find(({ name }) => name === claim.scheme)?.answerTo?.(claim);
    return this.identified.hold(scheme, payment, work, answerTo);
  }

  /** A refusal as the error that its status demands; a 402 carries every way to pay. */
  async refused(refusal: Refusal, work: Work): Promise<BillingError> {
    if (refusal.status === 402 || refusal.status === 412) return this.paymentRequired(work, refusal);
    return new BillingError({
      code: refusal.code,
      status: refusal.status,
      title: TITLES[refusal.status],
      detail: refusal.detail,
      hint: refusal.hint,
      headers: {
        ...(refusal.retryAfter === undefined ? {} : { 'retry-after': String(refusal.retryAfter) }),
        ...(refusal.status === 401 ? { 'www-authenticate': 'Bearer realm="tollbridge"' } : {}),
        ...refusal.headers,
      },
      members: { ...refusal.members },
    });
  }

  private async paymentRequired(work: Work, refusal?: Refusal): Promise<PaymentRequiredError> {
    // A row of a chain that is away would be signed for, and refused.
    const accepts = this.requirements(work).filter(({ network }) => !this.networks.isAway(network));
    const unavailable = this.networks.away().map(({ id }) => id);
    const ofSchemes = this.schemes.map((scheme) => scheme.extensions?.(work) ?? {});
    const extensions = Object.assign({}, ...ofSchemes, await this.extensions.declarations(work, accepts));
    const members = Object.assign({}, ...this.schemes.map((scheme) => scheme.members?.(work) ?? {}));
    return new PaymentRequiredError(work, accepts, this.topUpUrl, refusal, { extensions, members, unavailable });
  }

  private requirements(work: Work): readonly PaymentRequirements[] {
    return this.schemes.flatMap((scheme) => scheme.requirements(work));
  }

  private get topUpUrl(): string {
    return `${this.config.http.publicUrl ?? `http://${this.config.http.host}:${this.config.http.port}`}/v1/topups`;
  }
}

const TITLES: Readonly<Record<Exclude<Refusal['status'], 402 | 412>, string>> = {
  400: 'The payment cannot be read',
  401: 'Not authenticated',
  403: 'Not allowed',
  409: 'Conflict',
  501: 'Not offered here',
  503: 'The payment is not finished',
};
