import { customerCredits } from '../ledger/ledger-account';
import type { LedgerHold } from '../ledger/ledger.service';
import type { Hold } from './payment-scheme';

/** A settled payment's amount, reserved on the wallet's credit until its work is done. */
export const walletHold = (hold: Pick<Hold, 'callId' | 'customerId' | 'amount'>): LedgerHold => ({
  id: hold.callId,
  account: customerCredits(hold.customerId, 'USDC'),
  amount: hold.amount,
});
