import { Inject, Injectable } from '@nestjs/common';
import Stripe from 'stripe';
import type { Money } from '../common/money';
import { CONFIG } from '../config/config.module';
import type { Config, StripeConfig } from '../config/config';
import type { Customer } from '../customers/customer';
import { centsToUsd } from './topup';
import { CardProcessorError, CardTopUpsUnavailableError, WebhookSignatureError } from './topup-error';

/** The version whose shapes the package's types describe: an upgrade of the package is a compile error here. */
const API_VERSION = '2026-10-28.endive' satisfies Stripe.LatestApiVersion;
/** How far a webhook's timestamp may be from now, to both sides. https://docs.stripe.com/webhooks/signature */
const TOLERANCE_SECONDS = 300;
const TIMEOUT_MS = 20_000;
/** Stripe waits for our answer while we ask for the fee. */
const FEE_TIMEOUT_MS = 4_000;

export interface CheckoutRequest {
  readonly topUpId: string;
  readonly customerId: string;
  readonly stripeCustomerId: string;
  readonly cents: number;
  /** May contain `{CHECKOUT_SESSION_ID}`, which Stripe replaces. */
  readonly successUrl: string;
  readonly cancelUrl: string;
}

/** The only file that talks to Stripe. Every write carries an idempotency key of our own, so repeating it is safe. */
@Injectable()
export class StripeClient {
  private readonly client: Stripe | undefined;
  private readonly webhookSecret: string | undefined;

  constructor(@Inject(CONFIG) config: Config) {
    this.client = config.stripe && new Stripe(config.stripe.secretKey, optionsOf(config.stripe));
    this.webhookSecret = config.stripe?.webhookSecret;
  }

  /** @throws CardTopUpsUnavailableError */
  assertConfigured(): void {
    this.stripe();
  }

  /** The customer's id at Stripe. https://docs.stripe.com/api/customers/create */
  async createCustomer(customer: Customer): Promise<string> {
    const created = await attempt(
      this.stripe().customers.create(
        {
          name: customer.name,
          ...(customer.email === null ? {} : { email: customer.email }),
          metadata: { customer_id: customer.id },
        },
        { idempotencyKey: `customer:${customer.id}` },
      ),
    );
    return created.id;
  }

  /** A page of Stripe's to pay a top-up on. https://docs.stripe.com/api/checkout/sessions/create */
  async createCheckout(request: CheckoutRequest): Promise<{ sessionId: string; url: string }> {
    const metadata = { topup_id: request.topUpId, customer_id: request.customerId };
    const session = await attempt(
      this.stripe().checkout.sessions.create(
        {
          mode: 'payment',
          customer: request.stripeCustomerId,
          client_reference_id: request.customerId,
          // No payment_method_types: Stripe offers what the account has switched on.
          line_items: [
            {
              quantity: 1,
              price_data: { currency: 'usd', unit_amount: request.cents, product_data: { name: 'Prepaid credit' } },
            },
          ],
          metadata,
          payment_intent_data: { metadata, description: `Prepaid credit, top-up ${request.topUpId}` },
          success_url: request.successUrl,
          cancel_url: request.cancelUrl,
        },
        { idempotencyKey: request.topUpId },
      ),
    );
    if (session.url === null) throw new CardProcessorError('refused', new Error(`${session.id} has no url`));
    return { sessionId: session.id, url: session.url };
  }

  /**
   * What Stripe keeps of a payment, in USD. `undefined` when that is not known, for whatever reason: a fee is never one
   * to make a customer wait for credit.
   */
  async feeOf(paymentIntentId: string): Promise<Money | undefined> {
    try {
      const fee = await this.askFee(paymentIntentId);
      return typeof fee === 'string' ? undefined : fee;
    } catch (error) {
      if (error instanceof Stripe.errors.StripeError) return undefined;
      throw error;
    }
  }

  /**
   * What Stripe keeps of a payment, in USD: `unbooked` while it has not been booked, `not_usd` when the account settles
   * in another currency or there is no payment intent. https://docs.stripe.com/api/balance_transactions/object
   * @throws StripeError when Stripe cannot be asked
   */
  async askFee(paymentIntentId: string): Promise<Money | 'unbooked' | 'not_usd'> {
    if (!paymentIntentId.startsWith('pi_')) return 'not_usd';
    const intent = await this.stripe().paymentIntents.retrieve(
      paymentIntentId,
      { expand: ['latest_charge.balance_transaction'] },
      { timeout: FEE_TIMEOUT_MS, maxNetworkRetries: 1 },
    );
    const charge = intent.latest_charge;
    const booked = typeof charge === 'string' ? null : charge?.balance_transaction;
    if (!booked || typeof booked === 'string') return 'unbooked';
    return booked.currency === 'usd' ? centsToUsd(booked.fee) : 'not_usd';
  }

  /**
   * The body of a webhook, once it is certain that Stripe sent these bytes within five minutes of now. The package
   * refuses only timestamps that are too old, the future is refused here.
   * @throws WebhookSignatureError
   */
  verifiedBody(rawBody: Buffer | undefined, header: unknown, now = new Date()): string {
    const { signature } = this.stripe().webhooks;
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

  private stripe(): Stripe {
    if (!this.client) throw new CardTopUpsUnavailableError();
    return this.client;
  }
}

const invalidSignature = () => new WebhookSignatureError('webhook_signature_invalid');

function optionsOf({ apiUrl }: StripeConfig): ConstructorParameters<typeof Stripe>[1] {
  const options = { apiVersion: API_VERSION, telemetry: false, maxNetworkRetries: 2, timeout: TIMEOUT_MS } as const;
  if (apiUrl === undefined) return options;
  const { protocol, hostname, port } = new URL(apiUrl);
  const secure = protocol === 'https:';
  return { ...options, protocol: secure ? 'https' : 'http', host: hostname, port: port || (secure ? 443 : 80) };
}

/** Stripe's errors in our words: https://docs.stripe.com/api/errors */
async function attempt<Result>(call: Promise<Result>): Promise<Result> {
  try {
    return await call;
  } catch (error) {
    if (!(error instanceof Stripe.errors.StripeError)) throw error;
    throw new CardProcessorError(isTransient(error) ? 'unreachable' : 'refused', error);
  }
}

/** No answer, a busy or broken Stripe, or a twin of this very request still under way (409). */
function isTransient(error: InstanceType<typeof Stripe.errors.StripeError>): boolean {
  if (error instanceof Stripe.errors.StripeConnectionError) return true;
  const status = error.statusCode ?? 500;
  return status >= 500 || status === 429 || status === 409;
}
