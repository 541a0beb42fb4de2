import type { TopUpsPart } from '../topups-part.providers';
import { RefundEvents } from './refund-events.service';
import { RefundOutcomes } from './refund-outcomes.service';
import { RefundSender } from './refund-sender.processor';
import { RefundStore } from './refund-store.service';
import { RefundsAdminController } from './refunds.admin.controller';
import { RefundsClient } from './refunds.client';
import { RefundsController } from './refunds.controller';
import { RefundsService } from './refunds.service';

export const REFUNDS: TopUpsPart = {
  providers: [RefundEvents, RefundOutcomes, RefundSender, RefundStore, RefundsClient, RefundsService],
  controllers: [RefundsAdminController, RefundsController],
};
