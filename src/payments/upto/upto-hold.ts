import type { Hex } from 'viem';
import type { SponsoredPermit } from '../gas-sponsoring';
import type { Hold, PaymentRequirements } from '../payment-scheme';
import type { Permit2Authorization } from './permit2-authorization';

/** A claimed `upto` payment: nothing has moved yet. */
export interface UptoHold extends Hold {
  readonly claimKey: string;
  readonly payer: string;
  readonly claimPayment: UptoClaimPayment;
}

/** A payment as its claim keeps it: enough to settle it, by whichever process. */
export interface UptoClaimPayment {
  readonly authorization: Permit2Authorization;
  readonly signature: Hex;
  /** Sent with the settlement, where the payer's allowance did not suffice. */
  readonly permit: SponsoredPermit | null;
  readonly requirements: PaymentRequirements;
  /** The payer is a contract: whatever code it has is run by a settlement. */
  readonly contractPayer: boolean;
  /** The answer leaves before the payment is settled, as a stream does: what does not come is owed. */
  readonly answersFirst: boolean;
}
