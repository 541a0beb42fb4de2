import { Module } from '@nestjs/common';
import { ConfigModule } from './config/config.module';
import { CustomersModule } from './customers/customers.module';
import { DatabaseModule } from './database/database.module';
import { ExportsModule } from './exports/exports.module';
import { GatewayModule } from './gateway/gateway.module';
import { HealthModule } from './health/health.module';
import { InvoicingModule } from './invoicing/invoicing.module';
import { JobsModule } from './jobs/jobs.module';
import { LedgerModule } from './ledger/ledger.module';
import { PricingModule } from './pricing/pricing.module';
import { ReconciliationModule } from './reconciliation/reconciliation.module';
import { TopUpsModule } from './topups/topups.module';

/** The only file that lists every module. */
@Module({
  imports: [
    GatewayModule,
    ConfigModule,
    DatabaseModule,
    HealthModule,
    JobsModule,
    LedgerModule,
    CustomersModule,
    PricingModule,
    TopUpsModule,
    InvoicingModule,
    ExportsModule,
    ReconciliationModule,
  ],
})
export class AppModule {}
