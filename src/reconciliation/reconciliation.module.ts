import { Module } from '@nestjs/common';
import { CustomersModule } from '../customers/customers.module';
import { LedgerModule } from '../ledger/ledger.module';
import { LedgerAdminController } from './ledger.admin.controller';

@Module({ imports: [CustomersModule, LedgerModule], controllers: [LedgerAdminController] })
export class ReconciliationModule {}
