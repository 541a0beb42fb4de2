import type { TopUpsPart } from '../topups-part.providers';
import { BillingAccounts } from './billing-account.service';
import { BillingActionsController } from './billing-actions.controller';
import { BillingAddresses } from './billing-addresses.service';
import { BillingLinksController } from './billing-links.controller';
import { BillingPageController } from './billing-page.controller';
import { BillingReload } from './billing-reload.service';

export const PORTAL: TopUpsPart = {
  providers: [BillingAddresses, BillingAccounts, BillingReload],
  controllers: [BillingLinksController, BillingPageController, BillingActionsController],
};
