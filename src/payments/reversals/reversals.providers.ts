import type { PaymentsPart } from '../payments-part.providers';
import { ReversalNotices } from './reversal-notices.service';
import { ReversedTransfers } from './reversed-transfers.service';

/** Transfers that a reorganisation took after they were booked. No way to pay by itself. */
export const REVERSALS: PaymentsPart = {
  providers: [ReversalNotices, ReversedTransfers],
};
