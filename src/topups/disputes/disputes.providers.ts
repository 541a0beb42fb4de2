import type { TopUpsPart } from '../topups-part.providers';
import { DisputeEvents } from './dispute-events.service';
import { DisputeOutcomes } from './dispute-outcomes.service';
import { DisputeStore } from './dispute-store.service';
import { DisputesAdminController } from './disputes.admin.controller';
import { DisputesClient } from './disputes.client';
import { FraudWarnings } from './fraud-warnings.service';

export const DISPUTES: TopUpsPart = {
  providers: [DisputeEvents, DisputeOutcomes, DisputeStore, DisputesClient, FraudWarnings],
  controllers: [DisputesAdminController],
};
