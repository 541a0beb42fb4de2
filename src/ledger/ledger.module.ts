import { Module } from '@nestjs/common';
import { AccountHistoryService } from './account-history.service';
import { AccountPostings } from './account-postings.service';
import { CorrectionsService } from './corrections.service';
import { HoldSweeper } from './hold-sweeper.service';
import { JournalService } from './journal.service';
import { LedgerAccountsService } from './ledger-accounts.service';
import { LedgerVerifyService } from './ledger-verify.service';
import { LedgerWriter } from './ledger-writer.service';
import { LedgerService } from './ledger.service';
import { ReceivablesService } from './receivables.service';
import { WriteOffs } from './write-offs.service';

@Module({
  providers: [
    AccountHistoryService,
    AccountPostings,
    CorrectionsService,
    HoldSweeper,
    JournalService,
    LedgerVerifyService,
    LedgerWriter,
    LedgerAccountsService,
    LedgerService,
    ReceivablesService,
    WriteOffs,
  ],
  exports: [
    AccountHistoryService,
    AccountPostings,
    CorrectionsService,
    JournalService,
    LedgerVerifyService,
    LedgerService,
    LedgerAccountsService,
    ReceivablesService,
    WriteOffs,
  ],
})
export class LedgerModule {}
