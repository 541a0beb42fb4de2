import type Stripe from 'stripe';
import { idOf } from './stripe-event';
import type { StripeTransaction } from './stripe-transaction';

/** Stripe's balance transaction in our words; `paymentIntentId` where the caller knows which payment it belongs to. */
export const toStripeTransaction = (
  transaction: Stripe.BalanceTransaction,
  paymentIntentId: string | null = null,
): StripeTransaction => ({
  id: transaction.id,
  type: transaction.type,
  reportingCategory: transaction.reporting_category,
  sourceId: idOf(transaction.source) ?? null,
  paymentIntentId,
  currency: transaction.currency,
  amount: transaction.amount,
  fee: transaction.fee,
  net: transaction.net,
  createdAt: new Date(transaction.created * 1000),
  availableAt: new Date(transaction.available_on * 1000),
});
