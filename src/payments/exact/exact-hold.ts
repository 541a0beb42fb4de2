import type { Hold } from '../payment-scheme';
import type { NetworkCost } from '../chain/gas-value';
import type { ExactClaimPayment } from './exact-claim';

/** A claimed `exact` payment. With a transaction it is settled already, and its amount is held on the wallet's credit. */
export interface ExactHold extends Hold {
  readonly claimKey: string;
  readonly payer: string;
  readonly claimPayment: ExactClaimPayment;
  readonly transaction: string | undefined;
  /** What that transaction cost us. */
  readonly cost?: NetworkCost | undefined;
}
