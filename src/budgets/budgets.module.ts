import { Module } from '@nestjs/common';
import { CustomersModule } from '../customers/customers.module';
import { BudgetCounters } from './budget-counters.service';
import { BudgetsController } from './budgets.controller';
import { BudgetsService } from './budgets.service';

@Module({
  imports: [CustomersModule],
  controllers: [BudgetsController],
  providers: [BudgetCounters, BudgetsService],
  exports: [BudgetCounters, BudgetsService],
})
export class BudgetsModule {}
