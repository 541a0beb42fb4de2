import { Module } from '@nestjs/common';
import { CustomersModule } from '../customers/customers.module';
import { LedgerModule } from '../ledger/ledger.module';
import { AccountsAdminController } from './accounts.admin.controller';
import { JobsAdminController } from './jobs.admin.controller';
import { LedgerAdminController } from './ledger.admin.controller';

@Module({
  imports: [CustomersModule, LedgerModule],
  controllers: [AccountsAdminController, JobsAdminController, LedgerAdminController],
})
export class ReconciliationModule {}
