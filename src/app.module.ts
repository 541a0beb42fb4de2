import { Module } from '@nestjs/common';
import { ConfigModule } from './config/config.module';
import { CustomersModule } from './customers/customers.module';
import { DatabaseModule } from './database/database.module';
import { GatewayModule } from './gateway/gateway.module';
import { HealthModule } from './health/health.module';
import { JobsModule } from './jobs/jobs.module';
import { LedgerModule } from './ledger/ledger.module';
import { PricingModule } from './pricing/pricing.module';
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
  ],
})
export class AppModule {}
