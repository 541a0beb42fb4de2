import { Inject, Injectable } from '@nestjs/common';
import Stripe from 'stripe';
import { CONFIG } from '../config/config.module';
import type { Config, StripeConfig } from '../config/config';
import { CardProcessorError, CardTopUpsUnavailableError, WebhookSignatureError } from './topup-error';

/** The version whose shapes the package's types describe: an upgrade of the package is a compile error here. */
const API_VERSION = '2026-10-28.endive' satisfies Stripe.LatestApiVersion;
/** How far a webhook's timestamp may be from now, to both sides. https://docs.stripe.com/webhooks/signature */
const TOLERANCE_SECONDS = 300;
const TIMEOUT_MS = 20_000;

/** For questions that Stripe waits for, because it delivers a webhook meanwhile. */
export const ASK_QUICKLY: Stripe.RequestOptions = { timeout: 4_000, maxNetworkRetries: 1 };

/**
 * The one connection to Stripe. Each part has a client of its own over it. Every write carries an idempotency key of
 * our own, derived from our row's id, so that repeating it is safe.
 */
@Injectable()
export class StripeConnection {
  private readonly client: Stripe | undefined;
  private readonly webhookSecret: string | undefined;

  constructor(@Inject(CONFIG) config: Config) {
    this.client = config.stripe && new Stripe(config.stripe.secretKey, optionsOf(config.stripe));
    this.webhookSecret = config.stripe?.webhookSecret;
  }

  get isConfigured(): boolean {
    return this.client !== undefined;
  }

  /** The real package. @throws CardTopUpsUnavailableError */
  get api(): Stripe {
    if (!this.client) throw new CardTopUpsUnavailableError();
    return this.client;
  }

  /**
   * The body of a webhook, once it is certain that Stripe sent these bytes within five minutes of now. The package
   * refuses only timestamps that are too old, the future is refused here.
   * @throws WebhookSignatureError
   */
  verifiedBody(rawBody: Buffer | undefined, header: unknown, now = new Date()): string {
    const { signature } = this.api.webhooks;
    if (!signature || !rawBody || rawBody.length === 0 || typeof header !== 'string') throw invalidSignature();
    const body = rawBody.toString('utf8');
    try {
      // The age is compared below, to both sides: here 0 says that the package shall not.
      signature.verifyHeader(body, header, this.webhookSecret ?? '', 0);
    } catch {
      throw invalidSignature();
    }
    const seconds = Number(/(?:^|,)t=(\d{1,12})(?=,|$)(?!.*,t=)/.exec(header)?.[1] ?? Number.NaN);
    if (!(Math.abs(now.getTime() / 1000 - seconds) <= TOLERANCE_SECONDS + 1)) {
      throw new WebhookSignatureError('webhook_timestamp_out_of_range');
    }
    return body;
  }
}

/** Stripe's errors in our words: https://docs.stripe.com/api/errors. @throws CardProcessorError */
export async function attempt<Result>(call: Promise<Result>): Promise<Result> {
  try {
    return await call;
  } catch (error) {
    if (!(error instanceof Stripe.errors.StripeError)) throw error;
    throw new CardProcessorError(isTransient(error) ? 'unreachable' : 'refused', error);
  }
}

/** No answer, a busy or broken Stripe, or a twin of this very request still under way (409). */
export function isTransient(error: InstanceType<typeof Stripe.errors.StripeError>): boolean {
  if (error instanceof Stripe.errors.StripeConnectionError) return true;
  // Stripe answers 400 with it in places: the type of the error tells.
  if (error instanceof Stripe.errors.StripeRateLimitError) return true;
  const status = error.statusCode ?? 500;
  return status >= 500 || status === 429 || status === 409;
}

const invalidSignature = () => new WebhookSignatureError('webhook_signature_invalid');

function optionsOf({ apiUrl }: StripeConfig): ConstructorParameters<typeof Stripe>[1] {
  const options = { apiVersion: API_VERSION, telemetry: false, maxNetworkRetries: 2, timeout: TIMEOUT_MS } as const;
  if (apiUrl === undefined) return options;
  const { protocol, hostname, port } = new URL(apiUrl);
  const secure = protocol === 'https:';
  return { ...options, protocol: secure ? 'https' : 'http', host: hostname, port: port || (secure ? 443 : 80) };
}
