import type { TopUpsPart } from '../topups-part.providers';
import { SuspendedPaymentsAdminController } from './suspended-payments.admin.controller';
import { SuspendedPayments } from './suspended-payments.service';

export const SUSPENSE: TopUpsPart = {
  providers: [SuspendedPayments],
  controllers: [SuspendedPaymentsAdminController],
};
