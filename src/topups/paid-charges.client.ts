import { Injectable } from '@nestjs/common';
import type Stripe from 'stripe';
import { idOf, isRecord, type Json } from './stripe-event';
import { attempt, StripeConnection } from './stripe-connection.client';
import type { StripeTransaction } from './stripe-transaction';
import { toStripeTransaction } from './stripe-transaction.client';

/** A charge that succeeded, and the page that it was paid on, if it was on one. */
export interface PaidCharge {
  readonly paymentIntentId: string;
  /** ISO 4217 in lower case. */
  readonly currency: string;
  /** In its smallest unit. */
  readonly total: number;
  /** The top-up that we made it for, as its metadata says. */
  readonly topUpId: string | null;
  /** `undefined` while Stripe has not booked it. */
  readonly movement: StripeTransaction | undefined;
  /** As the API shows it. */
  readonly session: Json | undefined;
}

/** A charge that is not paid: a bank debit on its way, or one that its bank refused, perhaps after it had been paid. */
export interface UnpaidCharge {
  readonly chargeId: string;
  readonly paymentIntentId: string;
  /** The top-up that we made it for, as its metadata says. */
  readonly topUpId: string | null;
  /** In the smallest unit of what it is in; `left` is what no refund has taken back. */
  readonly total: number;
  readonly left: number;
  readonly isFailed: boolean;
  /** Stripe counts a debit when it is submitted, and takes it off again when it fails. */
  readonly submitted: StripeTransaction | undefined;
  readonly back: StripeTransaction | undefined;
}

/** Payments by their charges. */
@Injectable()
export class PaidChargesClient {
  constructor(private readonly stripe: StripeConnection) {}

  /** `undefined` for one that moved nothing, or that was not made through a payment intent. @throws CardProcessorError */
  async find(chargeId: string): Promise<PaidCharge | UnpaidCharge | undefined> {
    const { charges, checkout } = this.stripe.api;
    const charge = await attempt(
      charges.retrieve(chargeId, { expand: ['balance_transaction', 'failure_balance_transaction'] }),
    );
    const paymentIntentId = idOf(charge.payment_intent);
    if (paymentIntentId === undefined) return undefined;
    if (!charge.paid || !charge.captured) return unpaid(charge, paymentIntentId);
    const sessions = await attempt(checkout.sessions.list({ payment_intent: paymentIntentId, limit: 1 }));
    const session: unknown = sessions.data[0];
    return {
      paymentIntentId,
      currency: charge.currency,
      total: charge.amount_captured,
      topUpId: charge.metadata['topup_id'] ?? null,
      movement: movementIn(charge.balance_transaction, paymentIntentId),
      session: isRecord(session) ? session : undefined,
    };
  }
}

/** A payment intent may be tried again after a debit that failed: only the charge that is paid stands for it. */
function unpaid(charge: Stripe.Charge, paymentIntentId: string): UnpaidCharge | undefined {
  const submitted = movementIn(charge.balance_transaction);
  const back = movementIn(charge.failure_balance_transaction);
  if (!submitted && !back) return undefined;
  const { id: chargeId, amount: total, amount_refunded: refunded, status, metadata } = charge;
  const whose = { chargeId, paymentIntentId, topUpId: metadata['topup_id'] ?? null };
  return { ...whose, total, left: total - refunded, isFailed: status === 'failed', submitted, back };
}

const movementIn = (
  value: string | Stripe.BalanceTransaction | null,
  paymentIntentId: string | null = null,
): StripeTransaction | undefined =>
  value === null || typeof value === 'string' ? undefined : toStripeTransaction(value, paymentIntentId);
