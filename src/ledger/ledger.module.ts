import { Module } from '@nestjs/common';
import { HoldSweeper } from './hold-sweeper.service';
import { LedgerAccountsService } from './ledger-accounts.service';
import { LedgerWriter } from './ledger-writer.service';
import { LedgerService } from './ledger.service';
import { ReceivablesService } from './receivables.service';

@Module({
  providers: [HoldSweeper, LedgerWriter, LedgerAccountsService, LedgerService, ReceivablesService],
  exports: [LedgerService, LedgerAccountsService, ReceivablesService],
})
export class LedgerModule {}
