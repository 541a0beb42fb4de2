import type { Money } from '../../common/money';
import type { Hold, Paid } from '../payment-scheme';

export interface BindingHold extends Hold, BindingClaimPayment {
  readonly claimKey: string;
}

/** What its claim keeps of a payment. */
export interface BindingClaimPayment {
  /** The commitment that is settled. */
  readonly jti: string;
  readonly network: string;
  /** The answer leaves before it is settled, as a stream does: what cannot be settled then is owed. */
  readonly answersFirst: boolean;
}

/** One attestation, one piece of work. */
export const claimKeyOf = (jti: string): string => `commitment:${jti}`;

export const paidBy = ({ amount, jti, network, claimKey }: BindingHold, charge: Money): Paid => ({
  charge,
  held: amount,
  evidence: { commitment: jti, network },
  paymentId: claimKey,
  network,
  transaction: null,
});
