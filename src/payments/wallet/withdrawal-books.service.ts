import { Injectable } from '@nestjs/common';
import { DatabaseService } from '../../database/database.service';
import type { Tx } from '../../database/tx';
import type { JournalEntry } from '../../ledger/journal-entry';
import { LedgerAccountsService } from '../../ledger/ledger-accounts.service';
import { LedgerRefusedError } from '../../ledger/ledger-error';
import { type LedgerHold, LedgerService } from '../../ledger/ledger.service';
import type { PostVerdict } from '../../ledger/verdict';
import { failedEntry, landedEntry, sentEntry, type Withdrawal } from './withdrawal';
import { WithdrawalStore } from './withdrawal-store.service';

/** What else is written in the transaction in which a withdrawal ends. */
export type WithdrawalEnd = (tx: Tx, withdrawal: Withdrawal, end: 'settled' | 'failed') => Promise<void>;

/** A withdrawal's row and its entry, always in one transaction. */
@Injectable()
export class WithdrawalBooks {
  private readonly ends: WithdrawalEnd[] = [];

  constructor(
    private readonly database: DatabaseService,
    private readonly ledger: LedgerService,
    private readonly accounts: LedgerAccountsService,
    private readonly store: WithdrawalStore,
  ) {}

  /** Called in `onModuleInit`: `end` runs for every withdrawal that ends. */
  whenEnded(end: WithdrawalEnd): void {
    this.ends.push(end);
  }

  /** Makes the rows of the accounts that it moves. Before the transaction of `openIn`. */
  async prepare(withdrawal: Withdrawal): Promise<void> {
    await this.prepared(sentEntry(withdrawal));
  }

  /** Takes it off the balance in the caller's transaction, which has the balance locked. @throws LedgerRefusedError */
  async openIn(tx: Tx, withdrawal: Withdrawal): Promise<void> {
    await this.store.insert(tx, withdrawal);
    assertPosted(withdrawal, await this.ledger.postIn(tx, sentEntry(withdrawal)));
  }

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
      for (const end of this.ends) await end(tx, withdrawal, 'settled');
    });
  }

  /** It can never be mined: amount and fee are the wallet's again. Safe to repeat. */
  async giveBack(withdrawal: Withdrawal): Promise<void> {
    const entry = await this.prepared(failedEntry(withdrawal));
    await this.database.transaction(async (tx) => {
      if (!(await this.store.finish(tx, withdrawal.id, 'failed', null))) return;
      assertPosted(withdrawal, await this.ledger.postIn(tx, entry));
      for (const end of this.ends) await end(tx, withdrawal, 'failed');
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
