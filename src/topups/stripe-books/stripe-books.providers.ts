import type { TopUpsPart } from '../topups-part.providers';
import { BalanceLooks } from './balance-look.service';
import { BookDifferences } from './book-differences.service';
import { EventSweep } from './event-sweep.service';
import { FailedEvents } from './failed-events.service';
import { MovementMatching } from './movement-matching.service';
import { PayoutEvents } from './payout-events.service';
import { PayoutOutcomes } from './payout-outcomes.service';
import { PayoutStore } from './payout-store.service';
import { PayoutTieOut } from './payout-tie-out.processor';
import { PayoutsAdminController } from './payouts.admin.controller';
import { PayoutsReconciliation } from './payouts-reconciliation.service';
import { StripeBooksClient } from './stripe-books.client';
import { UnmatchedEntries } from './unmatched-entries.service';
import { StripeReconciliation } from './stripe-reconciliation.service';

export const STRIPE_BOOKS: TopUpsPart = {
  providers: [
    StripeBooksClient,
    EventSweep,
    FailedEvents,
    MovementMatching,
    PayoutStore,
    PayoutOutcomes,
    PayoutEvents,
    PayoutTieOut,
    PayoutsReconciliation,
    BalanceLooks,
    UnmatchedEntries,
    BookDifferences,
    StripeReconciliation,
  ],
  controllers: [PayoutsAdminController],
  exports: [StripeReconciliation],
};
