import type { TopUpsPart } from '../topups-part.providers';
import { Reversals } from './reversals.service';
import { ReversiblePayments } from './reversible-payments.service';

export const REVERSALS: TopUpsPart = { providers: [Reversals, ReversiblePayments] };
