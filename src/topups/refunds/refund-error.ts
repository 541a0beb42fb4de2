import { BillingError } from '../../common/billing-error';

/** A refund that may not be: 409 with how much may. */
export class RefundRefusedError extends BillingError {
  constructor(code: keyof typeof SENTENCES, members: { refundableCents?: string } = {}) {
    const { detail, hint } = SENTENCES[code];
    super({ code, status: 409, title: 'No refund', detail, hint, members });
  }
}

const SENTENCES = {
  refund_exceeds_unused: {
    detail: 'More than is left unused of this payment.',
    hint: 'Ask for at most refundableCents, or force it: what is used up then is owed by the customer.',
  },
  refund_exceeds_payment: {
    detail: 'More than is left of this payment, after what went back already.',
    hint: 'Ask for at most refundableCents.',
  },
  nothing_to_refund: {
    detail: 'Nothing is left unused of this payment, or nothing was paid.',
    hint: 'Look at the refunds and disputes of the top-up; force says that used credit goes back, too.',
  },
  payment_disputed: {
    detail: 'The bank of the payer has the payment in dispute.',
    hint: 'Wait for the outcome: a disputed charge cannot be refunded, its money is with the bank already.',
  },
} as const;
