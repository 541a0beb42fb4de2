import { Injectable } from '@nestjs/common';
import Stripe from 'stripe';
import { ASK_QUICKLY, attempt, StripeConnection } from '../stripe-connection.client';
import { toStripeTransaction } from '../stripe-transaction.client';
import type { ReloadOutcome } from './reload-attempt';

/** What Stripe says of a charge; its holder may have to be asked, which is for the caller to arrange. */
export type ChargeAnswer =
  | Extract<ReloadOutcome, { kind: 'succeeded' | 'processing' | 'declined' }>
  | { readonly kind: 'authentication_required'; readonly paymentIntentId: string };

export interface OffSessionCharge {
  readonly attemptId: string;
  readonly topUpId: string;
  readonly customerId: string;
  readonly stripeCustomerId: string;
  readonly paymentMethodId: string;
  readonly cents: number;
}

/** The ledger needs to know what Stripe keeps of a payment. */
const WITH_MOVEMENT = { expand: ['latest_charge.balance_transaction'] };

/** Charges saved cards while nobody is there: https://docs.stripe.com/payments/save-and-reuse */
@Injectable()
export class OffSessionClient {
  constructor(private readonly stripe: StripeConnection) {}

  /**
   * Safe to repeat for a day with the same `charge`: the attempt's id is the idempotency key.
   * @throws CardProcessorError when the outcome is not known, or the refusal is of us and not of the card
   */
  async charge(charge: OffSessionCharge): Promise<ChargeAnswer> {
    const { attemptId, topUpId, customerId } = charge;
    const request: Stripe.PaymentIntentCreateParams = {
      amount: charge.cents,
      currency: 'usd',
      customer: charge.stripeCustomerId,
      payment_method: charge.paymentMethodId,
      off_session: true,
      confirm: true,
      description: `Prepaid credit, auto-reload ${topUpId}`,
      metadata: { topup_id: topUpId, customer_id: customerId, attempt_id: attemptId },
      ...WITH_MOVEMENT,
    };
    try {
      return answerOf(await this.stripe.api.paymentIntents.create(request, { idempotencyKey: attemptId }));
    } catch (error) {
      if (error instanceof Stripe.errors.StripeCardError && error.payment_intent) {
        return answerOf(error.payment_intent);
      }
      if (isRefusal(error)) {
        return { kind: 'declined', paymentIntentId: null, declineCode: error.code ?? error.type, adviceCode: null };
      }
      return await attempt(Promise.reject(error));
    }
  }

  /** The present state. @throws CardProcessorError */
  async find(paymentIntentId: string): Promise<ChargeAnswer> {
    const { paymentIntents } = this.stripe.api;
    return answerOf(await attempt(paymentIntents.retrieve(paymentIntentId, WITH_MOVEMENT, ASK_QUICKLY)));
  }

  /** The payment that an attempt made at Stripe since `from`, for when its idempotency key is too old to ask with. */
  async search(attemptId: string, stripeCustomerId: string, from: Date): Promise<ChargeAnswer | undefined> {
    const created = { gte: Math.floor(from.getTime() / 1000) - CLOCKS_APART_SECONDS };
    const intents = this.stripe.api.paymentIntents.list({ customer: stripeCustomerId, created, limit: 100 });
    const made = await attempt(intents.autoPagingToArray({ limit: 10_000 }));
    const intent = made.find(({ metadata }) => metadata['attempt_id'] === attemptId);
    return intent && this.find(intent.id);
  }

  /**
   * Nobody can pay it any more: its holder gets a page of its own instead, and must not pay twice.
   * @returns what it is when it cannot be cancelled, because it has been paid meanwhile
   */
  async cancel(paymentIntentId: string): Promise<ChargeAnswer | 'cancelled'> {
    try {
      // Without a key, under which Stripe would repeat an error of its own: nothing is cancelled twice.
      await this.stripe.api.paymentIntents.cancel(paymentIntentId);
      return 'cancelled';
    } catch (error) {
      if (!(error instanceof Stripe.errors.StripeInvalidRequestError)) return await attempt(Promise.reject(error));
      const { status } = await attempt(this.stripe.api.paymentIntents.retrieve(paymentIntentId));
      return status === 'canceled' ? 'cancelled' : this.find(paymentIntentId);
    }
  }
}

/**
 * Of this card: its bank's word, or a card that was removed a moment ago. A key of ours that Stripe does not take, or an
 * idempotency key of another request, says nothing of the card: https://docs.stripe.com/api/errors
 */
const isRefusal = (
  error: unknown,
): error is InstanceType<typeof Stripe.errors.StripeCardError | typeof Stripe.errors.StripeInvalidRequestError> =>
  error instanceof Stripe.errors.StripeCardError || error instanceof Stripe.errors.StripeInvalidRequestError;

const CLOCKS_APART_SECONDS = 300;

/** https://docs.stripe.com/payments/paymentintents/lifecycle */
function answerOf(intent: Stripe.PaymentIntent): ChargeAnswer {
  const { id, status, last_payment_error: error } = intent;
  switch (status) {
    case 'succeeded': {
      const charge = intent.latest_charge;
      const booked = typeof charge === 'string' ? null : charge?.balance_transaction;
      return {
        kind: 'succeeded',
        payment: { paymentIntentId: id, currency: intent.currency, total: intent.amount_received, tax: 0 },
        movement: !booked || typeof booked === 'string' ? undefined : toStripeTransaction(booked, id),
      };
    }
    case 'processing':
      return { kind: 'processing', paymentIntentId: id };
    case 'requires_action':
      return { kind: 'authentication_required', paymentIntentId: id };
    case 'canceled':
    case 'requires_capture':
    case 'requires_confirmation':
    case 'requires_payment_method':
    default:
      if (error?.code === 'authentication_required' || error?.decline_code === 'authentication_required') {
        return { kind: 'authentication_required', paymentIntentId: id };
      }
      return {
        kind: 'declined',
        paymentIntentId: id,
        declineCode: error?.decline_code ?? error?.code ?? intent.cancellation_reason ?? status,
        adviceCode: error?.advice_code ?? null,
      };
  }
}
