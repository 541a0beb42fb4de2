import type { NewJob } from '../../jobs/job';

export const CARD_REFUND = 'card-refund';

export interface CardRefundPayload {
  readonly refundId: string;
}

/** A refund is off the customer's credit: Stripe must be told. */
export const cardRefundJob = (refundId: string): NewJob => ({
  name: CARD_REFUND,
  id: `${CARD_REFUND}:${refundId}`,
  payload: { refundId } satisfies CardRefundPayload,
});
