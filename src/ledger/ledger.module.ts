import { Module } from '@nestjs/common';
import { HoldSweeper } from './hold-sweeper.service';
import { JournalService } from './journal.service';
import { LedgerAccountsService } from './ledger-accounts.service';
import { LedgerVerifyService } from './ledger-verify.service';
import { LedgerWriter } from './ledger-writer.service';
import { LedgerService } from './ledger.service';
import { ReceivablesService } from './receivables.service';

@Module({
  providers: [
    HoldSweeper,
    JournalService,
    LedgerVerifyService,
    LedgerWriter,
    LedgerAccountsService,
    LedgerService,
    ReceivablesService,
  ],
  exports: [JournalService, LedgerVerifyService, LedgerService, LedgerAccountsService, ReceivablesService],
})
export class LedgerModule {}
