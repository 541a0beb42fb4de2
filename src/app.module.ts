import { Module } from '@nestjs/common';
import { ConfigModule } from './config/config.module';
import { CustomersModule } from './customers/customers.module';
import { DatabaseModule } from './database/database.module';
import { LedgerModule } from './ledger/ledger.module';
import { PricingModule } from './pricing/pricing.module';

/** The only file that lists every module. */
@Module({ imports: [ConfigModule, DatabaseModule, LedgerModule, CustomersModule, PricingModule] })
export class AppModule {}
