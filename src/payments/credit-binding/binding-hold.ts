import type { Money } from '../../common/money';
import type { Hold, Paid } from '../payment-scheme';

export interface BindingHold extends Hold {
  readonly claimKey: string;
  /** The commitment that is settled. */
  readonly jti: string;
  readonly network: string;
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
