import { Injectable } from '@nestjs/common';
import type Stripe from 'stripe';
import { idOf } from '../stripe-event';
import { ASK_QUICKLY, attempt, StripeConnection } from '../stripe-connection.client';
import type { StripeTransaction } from '../stripe-transaction';
import { toStripeTransaction } from '../stripe-transaction.client';

/** A dispute as Stripe has it at this moment. */
export interface DisputeAtStripe {
  readonly id: string;
  readonly paymentIntentId: string;
  readonly chargeId: string;
  readonly status: string;
  readonly reason: string;
  readonly dueBy: Date | null;
  /** ISO 4217 in lower case: what was paid in. */
  readonly currency: string;
  /** Smallest units of `currency`; `paid` is all that was. */
  readonly minor: bigint;
  readonly paid: bigint;
  /** What it moved of our balance, in that order. */
  readonly movements: readonly StripeTransaction[];
}

/** That a payment is probably fraud, before anybody disputes it. */
export interface FraudWarningAtStripe {
  readonly id: string;
  readonly paymentIntentId: string;
  readonly chargeId: string;
  readonly fraudType: string;
  /** Not refunded, and not disputed. */
  readonly actionable: boolean;
  /** Of the card that paid; `null` when none did. */
  readonly fingerprint: string | null;
}

/** Disputes at Stripe: https://docs.stripe.com/api/disputes */
@Injectable()
export class DisputesClient {
  constructor(private readonly stripe: StripeConnection) {}

  /** `undefined` for one of a charge without a payment intent, which is none of ours. @throws CardProcessorError */
  async find(id: string): Promise<DisputeAtStripe | undefined> {
    const dispute = await attempt(this.stripe.api.disputes.retrieve(id, { expand: ['charge'] }, ASK_QUICKLY));
    const paymentIntentId = idOf(dispute.payment_intent);
    return paymentIntentId === undefined ? undefined : toDispute(dispute, paymentIntentId);
  }

  /** All of a payment. @throws CardProcessorError */
  async listOf(paymentIntentId: string): Promise<DisputeAtStripe[]> {
    const query = { payment_intent: paymentIntentId, limit: 100, expand: ['data.charge'] };
    const { data } = await attempt(this.stripe.api.disputes.list(query, ASK_QUICKLY));
    return data.map((dispute) => toDispute(dispute, paymentIntentId));
  }

  /** https://docs.stripe.com/api/radar/early_fraud_warnings @throws CardProcessorError */
  async findWarning(id: string): Promise<FraudWarningAtStripe | undefined> {
    const { earlyFraudWarnings } = this.stripe.api.radar;
    const warning = await attempt(earlyFraudWarnings.retrieve(id, { expand: ['charge'] }, ASK_QUICKLY));
    const { charge, actionable, fraud_type: fraudType } = warning;
    const [paymentIntentId, chargeId] = [idOf(warning.payment_intent), idOf(charge)];
    if (paymentIntentId === undefined || chargeId === undefined) return undefined;
    const card = typeof charge === 'string' ? undefined : charge.payment_method_details?.card;
    return { id, paymentIntentId, chargeId, fraudType, actionable, fingerprint: card?.fingerprint ?? null };
  }
}

function toDispute(dispute: Stripe.Dispute, paymentIntentId: string): DisputeAtStripe {
  const { due_by: dueBy } = dispute.evidence_details;
  return {
    id: dispute.id,
    paymentIntentId,
    chargeId: idOf(dispute.charge) ?? '',
    status: dispute.status,
    reason: dispute.reason,
    dueBy: dueBy === null ? null : new Date(dueBy * 1000),
    currency: dispute.currency,
    minor: BigInt(dispute.amount),
    paid: BigInt(typeof dispute.charge === 'string' ? dispute.amount : dispute.charge.amount),
    movements: dispute.balance_transactions.map((one) => toStripeTransaction(one, paymentIntentId)),
  };
}
