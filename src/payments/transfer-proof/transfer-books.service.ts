import { Injectable } from '@nestjs/common';
import { usdc } from '../../common/money';
import { DatabaseService } from '../../database/database.service';
import { transferSettled } from '../../ledger/chain-entries';
import { customerReceivable, suspense } from '../../ledger/ledger-account';
import { LedgerAccountsService } from '../../ledger/ledger-accounts.service';
import { ReceivablesService } from '../../ledger/receivables.service';
import { SuspendedTransfers } from '../chain-watch/suspended-transfers.service';
import { logOf, type TransferClaim } from './transfer-hold';

/** Puts a claimed transfer on the books: all of it is the wallet's credit. */
@Injectable()
export class TransferBooks {
  constructor(
    private readonly database: DatabaseService,
    private readonly accounts: LedgerAccountsService,
    private readonly receivables: ReceivablesService,
    private readonly suspended: SuspendedTransfers,
  ) {}

  /** Whether an operator has given the money to somebody already. */
  isAttributed(claimKey: string): Promise<boolean> {
    return this.suspended.isAttributed(logOf(claimKey));
  }

  /**
   * Safe to repeat: the claim's key is the entry's. What the wallet owes is repaid first. A transfer that has waited in
   * suspense for its proof is taken out of there. `attributed`: an operator has given it away since it was claimed;
   * nothing was written.
   */
  async credit(claimKey: string, customerId: string, transfer: TransferClaim): Promise<'credited' | 'attributed'> {
    const { network, payTo, transaction, value } = transfer;
    const amount = usdc(BigInt(value));
    const entry = transferSettled({ paymentId: claimKey, customerId, network, payTo, transaction, amount });
    // Looked up on a connection of their own: before the transaction, or a small pool stands still.
    const touched = [...entry.postings.flatMap(({ from, to }) => [from, to]), customerReceivable(customerId, 'USDC')];
    await this.accounts.idsOf([suspense('USDC'), ...touched]);
    await this.receivables.prepare(customerId, 'USDC');
    return this.database.transaction(async (tx) => {
      const released = await this.suspended.release(tx, logOf(claimKey), touched);
      if (released === 'attributed') return released;
      await this.receivables.postCredit(tx, entry, customerId, 'USDC');
      return 'credited';
    });
  }
}
