import { Module } from '@nestjs/common';
import { CustomersModule } from '../customers/customers.module';
import { LedgerModule } from '../ledger/ledger.module';
import { JobsAdminController } from './jobs.admin.controller';
import { LedgerAdminController } from './ledger.admin.controller';

@Module({ imports: [CustomersModule, LedgerModule], controllers: [JobsAdminController, LedgerAdminController] })
export class ReconciliationModule {}
