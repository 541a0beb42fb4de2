import { Module } from '@nestjs/common';
import { CustomersModule } from '../customers/customers.module';
import { LedgerModule } from '../ledger/ledger.module';
import { AlertsController } from './alerts.controller';
import { BalanceAlerts } from './balance-alerts.service';
import { BalanceWatch } from './balance-watch.service';
import { CreditLimitsAdminController } from './credit-limits.admin.controller';
import { CreditLimits } from './credit-limits.service';
import { CreditPools } from './credit-pools.service';
import { FrozenCredit } from './frozen-credit.service';
import { GrantCheck } from './grant-check.service';
import { GrantExpiry } from './grant-expiry.service';
import { GrantStore } from './grant-store.service';
import { GrantsService } from './grants.service';
import { HeldCredit } from './held-credit.service';

@Module({
  imports: [CustomersModule, LedgerModule],
  controllers: [AlertsController, CreditLimitsAdminController],
  providers: [
    BalanceAlerts,
    BalanceWatch,
    CreditLimits,
    CreditPools,
    FrozenCredit,
    GrantCheck,
    GrantExpiry,
    GrantStore,
    GrantsService,
    HeldCredit,
  ],
  exports: [BalanceWatch, FrozenCredit, GrantExpiry, GrantsService, HeldCredit],
})
export class CreditsModule {}
