import type { TopUpsPart } from '../topups-part.providers';
import { DisputeEvents } from './dispute-events.service';
import { DisputeOutcomes } from './dispute-outcomes.service';
import { DisputeStore } from './dispute-store.service';
import { DisputesAdminController } from './disputes.admin.controller';
import { DisputesClient } from './disputes.client';
import { FraudWarningStore } from './fraud-warning-store.service';
import { FraudWarningsAdminController } from './fraud-warnings.admin.controller';
import { FraudWarnings } from './fraud-warnings.service';
import { UndecidedSweep } from './undecided-sweep.service';
import { WarningDismissal } from './warning-dismissal.service';

export const DISPUTES: TopUpsPart = {
  providers: [
    DisputeEvents,
    DisputeOutcomes,
    DisputeStore,
    DisputesClient,
    FraudWarningStore,
    FraudWarnings,
    UndecidedSweep,
    WarningDismissal,
  ],
  controllers: [DisputesAdminController, FraudWarningsAdminController],
};
