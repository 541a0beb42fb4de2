import { Module } from '@nestjs/common';
import { LedgerAccountsService } from './ledger-accounts.service';
import { LedgerWriter } from './ledger-writer.service';
import { LedgerService } from './ledger.service';

@Module({
  providers: [LedgerWriter, LedgerAccountsService, LedgerService],
  exports: [LedgerService, LedgerAccountsService],
})
export class LedgerModule {}
