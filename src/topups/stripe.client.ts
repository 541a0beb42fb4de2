import { Inject, Injectable } from '@nestjs/common';
import Stripe from 'stripe';
import { CONFIG } from '../config/config.module';
import type { Config } from '../config/config';
import type { Customer } from '../customers/customer';
import { publicUrlOf } from './public-url';
import { ASK_QUICKLY, attempt, StripeConnection } from './stripe-connection.client';
import type { StripeTransaction } from './stripe-transaction';
import { toStripeTransaction } from './stripe-transaction.client';
import { CardProcessorError } from './topup-error';

export interface CheckoutRequest {
  readonly topUpId: string;
  readonly customerId: string;
  readonly stripeCustomerId: string;
  /** Of `currency`. */
  readonly cents: number;
  /** ISO 4217 in lower case. */
  readonly currency: string;
  /** Whether the card may be charged later without its holder. */
  readonly saveCard: boolean;
}

/** Where the payer lives decides; what it says is kept with the customer. https://docs.stripe.com/tax/checkout */
const TAXED: Stripe.Checkout.SessionCreateParams = {
  automatic_tax: { enabled: true },
  billing_address_collection: 'required',
  customer_update: { address: 'auto', name: 'auto' },
  tax_id_collection: { enabled: true },
};

/** What top-ups ask of Stripe: customers, pages to pay on, and what became of a payment. */
@Injectable()
export class StripeClient {
  constructor(
    private readonly stripe: StripeConnection,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** @throws CardTopUpsUnavailableError */
  assertConfigured(): void {
    void this.stripe.api;
  }

  /** The customer's id at Stripe. https://docs.stripe.com/api/customers/create */
  async createCustomer(customer: Customer): Promise<string> {
    const created = await attempt(
      this.stripe.api.customers.create(
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
    const pages = `${publicUrlOf(this.config)}/topups`;
    const session = await attempt(
      this.stripe.api.checkout.sessions.create(
        {
          mode: 'payment',
          customer: request.stripeCustomerId,
          client_reference_id: request.customerId,
          // No payment_method_types: Stripe offers what the account has switched on.
          line_items: [
            {
              quantity: 1,
              price_data: {
                currency: request.currency,
                unit_amount: request.cents,
                product_data: { name: 'Prepaid credit' },
                ...(this.config.topUps.tax ? { tax_behavior: 'exclusive' } : {}),
              },
            },
          ],
          ...(this.config.topUps.tax ? TAXED : {}),
          metadata,
          payment_intent_data: {
            metadata,
            description: `Prepaid credit, top-up ${request.topUpId}`,
            ...(request.saveCard ? { setup_future_usage: 'off_session' } : {}),
          },
          success_url: `${pages}/return?session_id={CHECKOUT_SESSION_ID}`,
          cancel_url: `${pages}/cancelled`,
        },
        { idempotencyKey: request.topUpId },
      ),
    );
    if (session.url === null) throw new CardProcessorError('refused', new Error(`${session.id} has no url`));
    return { sessionId: session.id, url: session.url };
  }

  /** Where the receipt of a payment is; `undefined` for one that has none. */
  async receiptOf(paymentIntentId: string): Promise<string | undefined> {
    const { paymentIntents } = this.stripe.api;
    const intent = await attempt(paymentIntents.retrieve(paymentIntentId, { expand: ['latest_charge'] }));
    const charge = intent.latest_charge;
    return typeof charge === 'string' ? undefined : (charge?.receipt_url ?? undefined);
  }

  /** Nobody can pay on the page any more; safe to repeat, and nothing happens to one that was paid. */
  async expireCheckout(sessionId: string): Promise<void> {
    try {
      // Without a key, under which Stripe would repeat an error of its own: nothing expires twice.
      await this.stripe.api.checkout.sessions.expire(sessionId);
    } catch (error) {
      if (!(error instanceof Stripe.errors.StripeInvalidRequestError)) await attempt(Promise.reject(error));
    }
  }

  /**
   * Whether a payment is paid at this moment: its bank may have taken it back since an event said so.
   * https://docs.stripe.com/payments/payment-methods/bank-debits
   * @throws CardProcessorError
   */
  async isPaid(paymentIntentId: string): Promise<boolean> {
    const { paymentIntents } = this.stripe.api;
    const intent = await attempt(paymentIntents.retrieve(paymentIntentId, { expand: ['latest_charge'] }, ASK_QUICKLY));
    const charge = intent.latest_charge;
    return charge !== null && typeof charge !== 'string' && charge.status === 'succeeded';
  }

  /**
   * The movement of a payment, with the fee that Stripe keeps of it. `undefined` when that is not known, for whatever
   * reason: it is never one to make a customer wait for credit.
   */
  async movementOf(paymentIntentId: string): Promise<StripeTransaction | undefined> {
    try {
      const movement = await this.askMovement(paymentIntentId);
      return typeof movement === 'string' ? undefined : movement;
    } catch (error) {
      if (error instanceof CardProcessorError) return undefined;
      throw error;
    }
  }

  /**
   * The movement of a payment: `unbooked` while Stripe has not booked it, `no_payment_intent` when there never is one.
   * https://docs.stripe.com/api/balance_transactions/object
   * @throws CardProcessorError
   */
  async askMovement(paymentIntentId: string): Promise<StripeTransaction | 'unbooked' | 'no_payment_intent'> {
    if (!paymentIntentId.startsWith('pi_')) return 'no_payment_intent';
    const expand = ['latest_charge.balance_transaction'];
    const intent = await attempt(this.stripe.api.paymentIntents.retrieve(paymentIntentId, { expand }, ASK_QUICKLY));
    const charge = intent.latest_charge;
    const booked = typeof charge === 'string' ? null : charge?.balance_transaction;
    return !booked || typeof booked === 'string' ? 'unbooked' : toStripeTransaction(booked, paymentIntentId);
  }
}
