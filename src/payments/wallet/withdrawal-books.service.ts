import { Injectable } from '@nestjs/common';
import { DatabaseService } from '../../database/database.service';
import type { JournalEntry } from '../../ledger/journal-entry';
import { LedgerAccountsService } from '../../ledger/ledger-accounts.service';
import { LedgerRefusedError } from '../../ledger/ledger-error';
import { type LedgerHold, LedgerService } from '../../ledger/ledger.service';
import type { PostVerdict } from '../../ledger/verdict';
import { failedEntry, landedEntry, sentEntry, type Withdrawal } from './withdrawal';
import { WithdrawalStore } from './withdrawal-store.service';

/** A withdrawal's row and its entry, always in one transaction. */
@Injectable()
export class WithdrawalBooks {
  constructor(
    private readonly database: DatabaseService,
    private readonly ledger: LedgerService,
    private readonly accounts: LedgerAccountsService,
    private readonly store: WithdrawalStore,
  ) {}

  /** Takes it off the balance, where it is held. `false` when it was opened before. */
  async open(withdrawal: Withdrawal, hold: LedgerHold): Promise<boolean> {
    const entry = await this.prepared(sentEntry(withdrawal));
    return this.database.transaction(async (tx) => {
      if (!(await this.store.insert(tx, withdrawal))) return false;
      assertPosted(withdrawal, await this.ledger.captureIn(tx, hold, entry));
      return true;
    });
  }

  /** It was mined: the USDC has left `payTo`. Safe to repeat. */
  async land(withdrawal: Withdrawal, transaction: string): Promise<void> {
    const entry = await this.prepared(landedEntry(withdrawal, transaction));
    await this.database.transaction(async (tx) => {
      if (!(await this.store.finish(tx, withdrawal.id, 'settled', transaction))) return;
      assertPosted(withdrawal, await this.ledger.postIn(tx, entry));
    });
  }

  /** It can never be mined: amount and fee are the wallet's again. Safe to repeat. */
  async giveBack(withdrawal: Withdrawal): Promise<void> {
    const entry = await this.prepared(failedEntry(withdrawal));
    await this.database.transaction(async (tx) => {
      if (!(await this.store.finish(tx, withdrawal.id, 'failed', null))) return;
      assertPosted(withdrawal, await this.ledger.postIn(tx, entry));
    });
  }

  /** A row of an account is made on a connection of its own: before the transaction, or a small pool stands still. */
  private async prepared(entry: JournalEntry): Promise<JournalEntry> {
    await this.accounts.idsOf(entry.postings.flatMap(({ from, to }) => [from, to]));
    return entry;
  }
}

function assertPosted({ id }: Withdrawal, { verdict }: PostVerdict): void {
  if (verdict !== 'posted' && verdict !== 'replayed') throw new LedgerRefusedError(`withdrawal ${id}`, verdict);
}
