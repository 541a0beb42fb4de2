import { Injectable } from '@nestjs/common';
import Stripe from 'stripe';
import { idOf } from '../stripe-event';
import { ASK_QUICKLY, attempt, isTransient, StripeConnection } from '../stripe-connection.client';
import type { StripeTransaction } from '../stripe-transaction';
import { toStripeTransaction } from '../stripe-transaction.client';

/** A refund as Stripe has it at this moment. */
export interface RefundAtStripe {
  readonly id: string;
  readonly chargeId: string;
  /** Our refund's id, if we asked for it. */
  readonly refundId: string | null;
  /** Smallest units of what was paid in; `paid` is all that was. */
  readonly minor: bigint;
  readonly paid: bigint;
  readonly status: string | null;
  readonly failureReason: string | null;
  readonly reason: string | null;
  /** What it moved of our balance: out, and in again when it failed. */
  readonly left: StripeTransaction | undefined;
  readonly back: StripeTransaction | undefined;
  /** No refund at Stripe, but a debit that its bank took back: `id` is the charge's. */
  readonly isReturnedDebit?: true;
}

export interface RefundOrder {
  readonly refundId: string;
  readonly paymentIntentId: string;
  readonly minor: bigint;
}

const EXPANDED = ['balance_transaction', 'failure_balance_transaction', 'charge'];

/** Refunds at Stripe: https://docs.stripe.com/api/refunds */
@Injectable()
export class RefundsClient {
  constructor(private readonly stripe: StripeConnection) {}

  /**
   * Starts a refund; safe to repeat, our refund's id is the idempotency key.
   * @returns `rejected` when Stripe will not begin it, such as for a charge that is disputed
   * @throws CardProcessorError `unreachable` when the outcome is not known
   */
  async create({ refundId, paymentIntentId, minor }: RefundOrder): Promise<RefundAtStripe | { rejected: string }> {
    const request = { payment_intent: paymentIntentId, amount: Number(minor), metadata: { refund_id: refundId } };
    try {
      const options = { idempotencyKey: refundId };
      return toRefund(await this.stripe.api.refunds.create({ ...request, expand: EXPANDED }, options));
    } catch (error) {
      if (error instanceof Stripe.errors.StripeInvalidRequestError && !isTransient(error)) {
        return { rejected: error.code ?? error.type };
      }
      return await attempt(Promise.reject(error));
    }
  }

  /** Every refund of a payment, the oldest first. @throws CardProcessorError */
  async listOf(paymentIntentId: string): Promise<RefundAtStripe[]> {
    const expand = EXPANDED.map((field) => `data.${field}`);
    const query = { payment_intent: paymentIntentId, limit: 100, expand };
    const refunds = await attempt(this.stripe.api.refunds.list(query, ASK_QUICKLY).autoPagingToArray({ limit: 1000 }));
    return refunds.map(toRefund).toReversed();
  }

  /** Which payment a refund belongs to. @throws CardProcessorError */
  async paymentOf(stripeRefundId: string): Promise<string | undefined> {
    const refund = await attempt(this.stripe.api.refunds.retrieve(stripeRefundId, {}, ASK_QUICKLY));
    return idOf(refund.payment_intent);
  }

  /** What was paid, in its smallest units. @throws CardProcessorError */
  async paidAtStripe(paymentIntentId: string): Promise<bigint> {
    const intent = await attempt(this.stripe.api.paymentIntents.retrieve(paymentIntentId, {}, ASK_QUICKLY));
    return BigInt(intent.amount_received);
  }
}

function toRefund(refund: Stripe.Refund): RefundAtStripe {
  const paymentIntentId = idOf(refund.payment_intent) ?? null;
  const movement = (value: Stripe.Refund['balance_transaction'] | undefined) =>
    value && typeof value !== 'string' ? toStripeTransaction(value, paymentIntentId) : undefined;
  return {
    id: refund.id,
    chargeId: idOf(refund.charge) ?? '',
    refundId: refund.metadata?.['refund_id'] ?? null,
    minor: BigInt(refund.amount),
    paid: BigInt(refund.charge && typeof refund.charge !== 'string' ? refund.charge.amount : refund.amount),
    status: refund.status,
    failureReason: refund.failure_reason ?? null,
    reason: refund.reason,
    left: movement(refund.balance_transaction),
    back: movement(refund.failure_balance_transaction),
  };
}
