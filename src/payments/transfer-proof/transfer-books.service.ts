import { Injectable } from '@nestjs/common';
import { usdc } from '../../common/money';
import { DatabaseService } from '../../database/database.service';
import { transferSettled } from '../../ledger/chain-entries';
import { LedgerAccountsService } from '../../ledger/ledger-accounts.service';
import { ReceivablesService } from '../../ledger/receivables.service';
import type { TransferClaim } from './transfer-hold';

/** Puts a claimed transfer on the books: all of it is the wallet's credit. */
@Injectable()
export class TransferBooks {
  constructor(
    private readonly database: DatabaseService,
    private readonly accounts: LedgerAccountsService,
    private readonly receivables: ReceivablesService,
  ) {}

  /** Safe to repeat: the claim's key is the entry's. What the wallet owes is repaid first. */
  async credit(claimKey: string, customerId: string, transfer: TransferClaim): Promise<void> {
    const { network, payTo, transaction, value } = transfer;
    const amount = usdc(BigInt(value));
    const entry = transferSettled({ paymentId: claimKey, customerId, network, payTo, transaction, amount });
    // Looked up on a connection of their own: before the transaction, or a small pool stands still.
    await this.accounts.idsOf(entry.postings.flatMap(({ from, to }) => [from, to]));
    await this.receivables.prepare(customerId, 'USDC');
    await this.database.transaction((tx) => this.receivables.postCredit(tx, entry, customerId, 'USDC'));
  }
}
