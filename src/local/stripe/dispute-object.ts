import type Stripe from 'stripe';
import { newId } from './ids';
import { type Simulation } from './simulation';

/** Days until the bank decides without having heard from the merchant. */
const ANSWER_DAYS = 9;
const DAY = 86_400;

export const EVIDENCE = [
  ...['access_activity_log', 'billing_address', 'cancellation_policy', 'cancellation_policy_disclosure'],
  ...['cancellation_rebuttal', 'customer_communication', 'customer_email_address', 'customer_name'],
  ...['customer_purchase_ip', 'customer_signature', 'duplicate_charge_documentation', 'duplicate_charge_explanation'],
  ...['duplicate_charge_id', 'product_description', 'receipt', 'refund_policy', 'refund_policy_disclosure'],
  ...['refund_refusal_explanation', 'service_date', 'service_documentation', 'shipping_address', 'shipping_carrier'],
  ...[
    'shipping_date',
    'shipping_documentation',
    'shipping_tracking_number',
    'uncategorized_file',
    'uncategorized_text',
  ],
];

export interface DisputeFields {
  amount: number;
  reason: string;
  inquiry: boolean;
}

/** A new dispute: https://docs.stripe.com/api/disputes/object. An inquiry's charge may still be refunded. */
export function newDispute(sim: Simulation, charge: Stripe.Charge, fields: DisputeFields): Stripe.Dispute {
  const now = sim.now();
  const network = charge.payment_method_details?.card?.network ?? 'visa';
  return {
    id: newId('du'),
    object: 'dispute',
    amount: fields.amount,
    balance_transactions: [],
    charge: charge.id,
    created: now,
    currency: charge.currency,
    enhanced_eligibility_types: [],
    evidence: {
      ...(Object.fromEntries(EVIDENCE.map((field) => [field, null])) as unknown as Stripe.Dispute.Evidence),
      enhanced_evidence: {},
    },
    evidence_details: {
      due_by: now - (now % DAY) + ANSWER_DAYS * DAY - 1,
      enhanced_eligibility: {},
      has_evidence: false,
      past_due: false,
      submission_count: 0,
      submission_method: 'not_submitted',
    },
    intended_submission_method: null,
    is_charge_refundable: fields.inquiry,
    livemode: false,
    metadata: {},
    payment_intent: charge.payment_intent,
    payment_method_details: {
      type: 'card',
      card: {
        brand: network,
        case_type: fields.inquiry ? 'inquiry' : 'chargeback',
        network,
        network_reason_code: '10.4',
      },
    },
    reason: fields.reason,
    status: fields.inquiry ? 'warning_needs_response' : 'needs_response',
  };
}
