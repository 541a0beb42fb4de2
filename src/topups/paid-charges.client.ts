import { Injectable } from '@nestjs/common';
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

/** Payments by their charges. */
@Injectable()
export class PaidChargesClient {
  constructor(private readonly stripe: StripeConnection) {}

  /** `undefined` for one that was not paid, or not through a payment intent. @throws CardProcessorError */
  async find(chargeId: string): Promise<PaidCharge | undefined> {
    const { charges, checkout } = this.stripe.api;
    const charge = await attempt(charges.retrieve(chargeId, { expand: ['balance_transaction'] }));
    const paymentIntentId = idOf(charge.payment_intent);
    if (!charge.paid || !charge.captured || paymentIntentId === undefined) return undefined;
    const sessions = await attempt(checkout.sessions.list({ payment_intent: paymentIntentId, limit: 1 }));
    const session: unknown = sessions.data[0];
    const booked = charge.balance_transaction;
    return {
      paymentIntentId,
      currency: charge.currency,
      total: charge.amount_captured,
      topUpId: charge.metadata['topup_id'] ?? null,
      movement: booked && typeof booked !== 'string' ? toStripeTransaction(booked, paymentIntentId) : undefined,
      session: isRecord(session) ? session : undefined,
    };
  }
}
