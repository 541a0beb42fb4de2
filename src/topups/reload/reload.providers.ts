import type { TopUpsPart } from '../topups-part.providers';
import { AutoReloadController } from './auto-reload.controller';
import { AutoReloadService } from './auto-reload.service';
import { OffSessionClient } from './off-session.client';
import { ReloadProcessor } from './reload-attempt.processor';
import { ReloadAttempts } from './reload-attempts.service';
import { ReloadCards } from './reload-cards.service';
import { ReloadCharges } from './reload-charges.service';
import { ReloadEvents } from './reload-events.service';
import { ReloadFoundPayments } from './reload-found-payments.service';
import { ReloadOutcomes } from './reload-outcomes.service';
import { ReloadRules } from './reload-rules.service';
import { ReloadStanding } from './reload-standing.service';
import { ReloadTerms } from './reload-terms.service';

export const RELOAD: TopUpsPart = {
  providers: [
    OffSessionClient,
    ReloadRules,
    ReloadAttempts,
    AutoReloadService,
    ReloadTerms,
    ReloadStanding,
    ReloadCharges,
    ReloadOutcomes,
    ReloadCards,
    ReloadProcessor,
    ReloadEvents,
    ReloadFoundPayments,
  ],
  controllers: [AutoReloadController],
};
