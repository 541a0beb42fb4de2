import { Module } from '@nestjs/common';
import { CustomersModule } from '../customers/customers.module';
import { LedgerModule } from '../ledger/ledger.module';
import { AlertsController } from './alerts.controller';
import { BalanceAlerts } from './balance-alerts.service';
import { BalanceWatch } from './balance-watch.service';
import { CreditLimitsAdminController } from './credit-limits.admin.controller';
import { CreditLimits } from './credit-limits.service';
import { CreditPools } from './credit-pools.service';
import { EndingCredit } from './ending-credit.service';
import { FrozenCredit } from './frozen-credit.service';
import { GivenGrants } from './given-grants.service';
import { GrantCheck } from './grant-check.service';
import { GrantExpiry } from './grant-expiry.service';
import { GrantHistory } from './grant-history.service';
import { GrantStore } from './grant-store.service';
import { GrantsAdminController } from './grants.admin.controller';
import { GrantsController } from './grants.controller';
import { GrantsService } from './grants.service';
import { HeldCredit } from './held-credit.service';
import { PromoCodesAdminController } from './promo-codes/promo-codes.admin.controller';
import { PromoCodesController } from './promo-codes/promo-codes.controller';
import { PromoCodes } from './promo-codes/promo-codes.service';
import { RollForwardAdminController } from './roll-forward.admin.controller';
import { RollForwardService } from './roll-forward.service';
import { ScopedGrants } from './scoped-grants.service';

@Module({
  imports: [CustomersModule, LedgerModule],
  controllers: [
    AlertsController,
    CreditLimitsAdminController,
    GrantsAdminController,
    GrantsController,
    PromoCodesAdminController,
    PromoCodesController,
    RollForwardAdminController,
  ],
  providers: [
    BalanceAlerts,
    BalanceWatch,
    CreditLimits,
    CreditPools,
    EndingCredit,
    FrozenCredit,
    GivenGrants,
    GrantCheck,
    GrantExpiry,
    GrantHistory,
    GrantStore,
    GrantsService,
    HeldCredit,
    PromoCodes,
    RollForwardService,
    ScopedGrants,
  ],
  exports: [BalanceWatch, FrozenCredit, GrantCheck, GrantExpiry, GrantHistory, GrantsService, HeldCredit, ScopedGrants],
})
export class CreditsModule {}
