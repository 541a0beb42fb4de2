import { Module } from '@nestjs/common';
import { BudgetsModule } from '../budgets/budgets.module';
import type { ReconciliationSide } from '../common/reconciliation-side';
import { CreditsModule } from '../credits/credits.module';
import { CustomersModule } from '../customers/customers.module';
import { LedgerModule } from '../ledger/ledger.module';
import { ChainReconciliation } from '../payments/chain-watch/chain-reconciliation.service';
import { PaymentsModule } from '../payments/payments.module';
import { StripeReconciliation } from '../topups/stripe-books/stripe-reconciliation.service';
import { TopUpsModule } from '../topups/topups.module';
import { AccountsAdminController } from './accounts.admin.controller';
import { BooksReconciliation } from './books-reconciliation.service';
import { DiscrepanciesAdminController } from './discrepancies.admin.controller';
import { DiscrepancyStore } from './discrepancy-store.service';
import { JobsAdminController } from './jobs.admin.controller';
import { LedgerAdminController } from './ledger.admin.controller';
import { NightlyNews } from './nightly-news.service';
import { NightlyReconciliation } from './nightly-reconciliation.service';
import { Reconcile, RECONCILIATION_SIDES } from './reconcile.service';
import { ReceivablesAdminController } from './receivables.admin.controller';
import { ReconciliationAdminController } from './reconciliation.admin.controller';
import { ReconciliationReport } from './reconciliation-report.service';
import { ReconciliationRequests } from './reconciliation-requests.service';
import { ReconciliationRuns } from './reconciliation-runs.service';
import { ReportAddresses } from './report-addresses.service';
import { ReportPageController } from './report-page.controller';
import { Resolutions } from './resolutions.service';

/** In the order in which they are asked: the books last, when the others have brought them up to date. */
const SIDES = [StripeReconciliation, ChainReconciliation, BooksReconciliation];

@Module({
  imports: [BudgetsModule, CreditsModule, CustomersModule, LedgerModule, PaymentsModule, TopUpsModule],
  controllers: [
    AccountsAdminController,
    DiscrepanciesAdminController,
    JobsAdminController,
    LedgerAdminController,
    ReceivablesAdminController,
    ReconciliationAdminController,
    ReportPageController,
  ],
  providers: [
    BooksReconciliation,
    DiscrepancyStore,
    NightlyNews,
    NightlyReconciliation,
    Reconcile,
    ReconciliationReport,
    ReconciliationRequests,
    ReconciliationRuns,
    ReportAddresses,
    Resolutions,
    {
      provide: RECONCILIATION_SIDES,
      useFactory: (...sides: ReconciliationSide[]): ReconciliationSide[] => sides,
      inject: SIDES,
    },
  ],
})
export class ReconciliationModule {}
