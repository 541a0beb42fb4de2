import type { NewJob } from '../jobs/job';

export const STRIPE_FEE = 'stripe-fee';

export interface StripeFeePayload {
  readonly paymentIntentId: string;
}

/** Usually `charge.updated` brings the fee within this time, and nothing is left to ask. */
const AFTER_SECONDS = 60;

/** Stripe has not told what it keeps of this payment: it will be asked, whether it tells by itself or not. */
export const stripeFeeJob = (paymentIntentId: string): NewJob => ({
  name: STRIPE_FEE,
  id: `${STRIPE_FEE}:${paymentIntentId}`,
  payload: { paymentIntentId } satisfies StripeFeePayload,
  afterSeconds: AFTER_SECONDS,
});
