import type { FraudWarningAction } from '../../config/config';

/** A bank takes a payment for fraud, before anybody disputes it. */
export interface FraudWarning {
  /** At Stripe. */
  readonly id: string;
  readonly paymentIntentId: string;
  readonly customerId: string | null;
  readonly fraudType: string;
  /** Neither refunded nor disputed. */
  readonly actionable: boolean;
  /** What was done about it; `notify` once the operator has dismissed it. */
  readonly action: FraudWarningAction;
  readonly createdAt: Date;
}
