import type { Money } from '../common/money';
import { centsToUsd } from './topup';

/**
 * One movement of our balance at Stripe. Amounts are whole smallest units of `currency`, negative for what leaves.
 * https://docs.stripe.com/api/balance_transactions/object
 */
export interface StripeTransaction {
  readonly id: string;
  /** Such as `charge`, `refund`, `adjustment`, `payout`. */
  readonly type: string;
  readonly reportingCategory: string;
  /** What caused it: `ch_…`, `re_…`, `dp_…`, `po_…`; `null` for a charge of Stripe's own. */
  readonly sourceId: string | null;
  /** The payment it belongs to, where whoever asked for it knows. */
  readonly paymentIntentId: string | null;
  /** What the balance is counted in, ISO 4217 in lower case: not always what the customer paid in. */
  readonly currency: string;
  readonly amount: number;
  readonly fee: number;
  /** `amount` less `fee`. */
  readonly net: number;
  readonly createdAt: Date;
  /** When it may be paid out. */
  readonly availableAt: Date;
}

/** What Stripe keeps of it; `undefined` when the account settles in another currency than USD. */
export const feeInUsd = ({ currency, fee }: StripeTransaction): Money | undefined =>
  currency === 'usd' ? centsToUsd(fee) : undefined;
