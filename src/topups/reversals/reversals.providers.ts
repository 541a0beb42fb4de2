import type { TopUpsPart } from '../topups-part.providers';
import { FreezeRest } from './freeze-rest.processor';
import { ReversalCheck } from './reversal-check.service';
import { Reversals } from './reversals.service';
import { ReversiblePayments } from './reversible-payments.service';

export const REVERSALS: TopUpsPart = {
  providers: [FreezeRest, ReversalCheck, Reversals, ReversiblePayments],
  exports: [ReversalCheck],
};
