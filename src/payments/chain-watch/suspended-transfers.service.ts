import { Injectable, Logger } from '@nestjs/common';
import { usdc } from '../../common/money';
import { isOutage } from '../../common/outage';
import { DatabaseService } from '../../database/database.service';
import type { Tx } from '../../database/tx';
import { type LedgerAccount, chainReceipts, suspense } from '../../ledger/ledger-account';
import type { JournalEntry } from '../../ledger/journal-entry';
import { LedgerAccountsService } from '../../ledger/ledger-accounts.service';
import { LedgerRefusedError } from '../../ledger/ledger-error';
import { LedgerService } from '../../ledger/ledger.service';
import { ownTransferMoved, unknownTransferReceived, unknownTransferRecognised } from '../../ledger/suspense-entries';
import type { TransferLog } from './transfer-log';
import { type ClaimedTransfer, standingOf, type TransferStanding } from './transfer-standing';
import { UNEXPLAINED } from './unexplained';

const AT_ONCE = 100;

/** Transfers that nothing explains: in suspense, until a proof, another rail or a person says whose they are. */
@Injectable()
export class SuspendedTransfers {
  private readonly logger = new Logger('SuspendedTransfers');

  constructor(
    private readonly database: DatabaseService,
    private readonly accounts: LedgerAccountsService,
    private readonly ledger: LedgerService,
  ) {}

  /**
   * Books what arrived and is not explained an hour after it was mined. What went from one address of ours to another
   * one is no riddle, and is booked as that.
   */
  async suspend(network: string, addresses: readonly string[]): Promise<void> {
    await this.accounts.idsOf([suspense('USDC'), ...addresses.map((address) => chainReceipts(network, address))]);
    let last: Pick<UnexplainedRow, 'transaction' | 'logIndex'> = { transaction: '', logIndex: -1 };
    for (;;) {
      const rows = await this.database.query<UnexplainedRow>(
        `${UNEXPLAINED} AND seen.atoms > 0 AND (seen.transaction, seen.log_index) > ($2, $3)
          ORDER BY transaction, log_index LIMIT ${AT_ONCE}`,
        [network, last.transaction, last.logIndex],
      );
      for (const row of rows) await this.explain(row, addresses);
      const end = rows.at(-1);
      if (end === undefined) return;
      last = end;
    }
  }

  /** One that cannot be booked is told, and keeps no other waiting. */
  private async explain(row: UnexplainedRow, addresses: readonly string[]): Promise<void> {
    const transfer = { ...row, from: row.other, amount: usdc(row.atoms) };
    const own = addresses.includes(row.other);
    const entry = own ? ownTransferMoved(transfer) : unknownTransferReceived(transfer);
    try {
      await this.database.transaction((tx) => this.suspendOne(tx, row, entry, own ? 'booked' : 'suspense'));
    } catch (error) {
      if (isOutage(error)) throw error;
      this.logger.error(`ALERT ${entry.key} cannot be booked: ${String(error)}`);
      await this.database.query(REFUSED, [row.network, row.transaction, row.logIndex, String(error).slice(0, 500)]);
    }
  }

  /** Asked once more under the row's lock: who claims a transfer takes the same lock before it books. */
  private async suspendOne(
    tx: Tx,
    { network, transaction, logIndex }: TransferLog,
    entry: JournalEntry,
    state: 'booked' | 'suspense',
  ): Promise<void> {
    const log = [network, transaction, logIndex];
    const mine = `seen.transaction = $2 AND seen.log_index = $3`;
    const [row] = await tx.query(`${UNEXPLAINED} AND ${mine} AND seen.atoms > 0 FOR NO KEY UPDATE OF seen`, log);
    if (!row) return;
    const entryId = await this.post(tx, entry);
    await tx.query(
      `UPDATE chain_transfers SET state = $4, entry_id = $5, refused = NULL
        WHERE network = $1 AND transaction = $2 AND log_index = $3 AND state = 'open'`,
      [...log, state, entryId],
    );
  }

  /**
   * Takes a transfer out of suspense, for the entry of the rail that it belongs to: that one then counts. Nothing where
   * it is not there. `touched`: the accounts of that entry, which is posted in the same `tx`. `attributed`: an operator has
   * given it to somebody, and that entry must not be posted.
   */
  async release(
    tx: Tx,
    log: TransferLog,
    touched: readonly LedgerAccount[] = [],
  ): Promise<'released' | 'not_there' | 'attributed'> {
    const [row] = await tx.query<SuspendedRow>(
      `SELECT network, transaction, log_index AS "logIndex", address, atoms, entry_id AS "entryId", state
         FROM chain_transfers
        WHERE network = $1 AND transaction = $2 AND log_index = $3 AND atoms > 0 FOR NO KEY UPDATE`,
      [log.network, log.transaction, log.logIndex],
    );
    if (row?.state === 'attributed') return 'attributed';
    if (row?.state !== 'suspense') return 'not_there';
    const entry = unknownTransferRecognised({ ...row, amount: usdc(row.atoms) });
    // Two entries follow each other: all their locks are taken at once, in the ledger's own order.
    const all = [...entry.postings.flatMap(({ from, to }) => [from, to]), ...touched];
    const ids = await this.accounts.idsOf(all);
    await tx.query('SELECT FROM ledger_accounts WHERE id = ANY ($1::bigint[]) ORDER BY id FOR NO KEY UPDATE', [ids]);
    await this.post(tx, entry);
    await tx.query(
      `UPDATE chain_transfers SET state = 'open', entry_id = NULL
        WHERE network = $1 AND transaction = $2 AND log_index = $3 AND atoms > 0`,
      [log.network, log.transaction, log.logIndex],
    );
    await tx.query(`UPDATE chain_bookings SET state = 'open' WHERE network = $1 AND address = $2 AND entry_id = $3`, [
      row.network,
      row.address,
      row.entryId,
    ]);
    return 'released';
  }

  /**
   * As `release`, for a transfer that was claimed by a log that it may have no more. `being_read`: what the books have of
   * it cannot be found on the chain at this moment, so that its entry must not be posted yet.
   */
  async recognise(
    tx: Tx,
    transfer: ClaimedTransfer,
    touched: readonly LedgerAccount[],
  ): Promise<'released' | 'not_there' | 'attributed' | 'being_read'> {
    const { state, logIndex } = await standingOf(tx, transfer);
    if (state === 'attributed' || state === 'being_read') return state;
    if (state !== 'suspense') return 'not_there';
    const released = await this.release(tx, { ...transfer, logIndex }, touched);
    // It was there a moment ago.
    return released === 'not_there' ? 'being_read' : released;
  }

  /** What another rail booked after it had gone to suspense is on the books twice: suspense gives it back. */
  async releaseBooked(network: string): Promise<void> {
    const rows = await this.database.query<TransferLog>(
      `SELECT DISTINCT ON (booking.entry_id) seen.network, seen.transaction, seen.log_index AS "logIndex"
         FROM chain_transfers seen JOIN chain_bookings booking USING (network, transaction, address, atoms)
        WHERE seen.network = $1 AND seen.state = 'suspense' AND booking.state = 'open'
          AND booking.kind <> 'unknown_transfer_received' ORDER BY booking.entry_id, seen.log_index`,
      [network],
    );
    for (const log of rows) await this.database.transaction((tx) => this.release(tx, log));
  }

  /** What an operator has given away (`attributed`) nobody else can have. */
  standingOf(transfer: ClaimedTransfer): Promise<TransferStanding> {
    return standingOf(this.database, transfer);
  }

  private async post(tx: Tx, entry: JournalEntry): Promise<string> {
    const posted = await this.ledger.postIn(tx, entry);
    if (posted.verdict === 'posted' || posted.verdict === 'replayed') return posted.entryId;
    throw new LedgerRefusedError(entry.key, posted.verdict);
  }
}

const REFUSED = `
  UPDATE chain_transfers SET refused = $4
   WHERE network = $1 AND transaction = $2 AND log_index = $3 AND atoms > 0 AND state = 'open'`;

interface UnexplainedRow extends TransferLog {
  readonly address: string;
  readonly other: string;
  readonly atoms: bigint;
}

interface SuspendedRow extends Omit<UnexplainedRow, 'other'> {
  readonly entryId: bigint;
  readonly state: string;
}
