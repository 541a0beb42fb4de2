import type { Claim } from '../claim';
import type { PaymentRequirements } from '../payment-scheme';
import type { ExactPayment } from './exact-payment';

/** A payment as its claim keeps it: enough to settle it again. */
export interface ExactClaimPayment {
  readonly payment: Pick<ExactPayment, 'authorization' | 'signature'>;
  readonly requirements: PaymentRequirements;
  /** The payer is a contract wallet: its own code runs when the money moves. */
  readonly byContract?: boolean;
  /** The hosted facilitator that judged it: it alone may be asked to settle it, however often. */
  readonly facilitator?: string;
  /** When its payer was last seen to be no contract, in Unix milliseconds. */
  readonly codelessAt?: number;
  /** The answer leaves before the payment is settled: what does not come is owed. */
  readonly answersFirst?: boolean;
}

/** What is needed of a claim to finish it. */
export type UnfinishedClaim = Pick<Claim, 'key' | 'callId' | 'customerId' | 'payment' | 'capture'>;
