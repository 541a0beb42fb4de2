import { Injectable } from '@nestjs/common';
import { DatabaseService } from '../../database/database.service';
import { AccountPostings } from '../../ledger/account-postings.service';
import { chainReceipts } from '../../ledger/ledger-account';

const AT_ONCE = 500;

/** What the books say of our addresses, entry by entry, read in the order of the books. */
@Injectable()
export class BookedTransfers {
  constructor(
    private readonly database: DatabaseService,
    private readonly postings: AccountPostings,
  ) {}

  /** Reads on to the end of the books. Safe beside itself. */
  async read(network: string, addresses: readonly string[]): Promise<void> {
    for (const address of addresses) {
      while ((await this.readSome(network, address)) === AT_ONCE);
    }
  }

  private async readSome(network: string, address: string): Promise<number> {
    const [last] = await this.database.query<{ id: bigint | null }>(
      'SELECT max(entry_id) AS id FROM chain_bookings WHERE network = $1 AND address = $2',
      [network, address],
    );
    const read = await this.postings.after(chainReceipts(network, address), last?.id ?? 0n, AT_ONCE);
    const rows = read.map(({ entryId, memo, atoms, kind, customerId, corrects, postedAt }) => ({
      entry_id: entryId.toString(),
      transaction: memo['transaction'] ?? '',
      // Credits minus debits: what arrived is a debit of the account.
      atoms: (-atoms).toString(),
      kind,
      customer_id: customerId,
      corrects: corrects?.toString() ?? null,
      posted_at: postedAt.toISOString(),
    }));
    if (rows.length > 0) await this.database.query(INSERT, [network, address, JSON.stringify(rows)]);
    return rows.length;
  }
}

// An entry that was written for a transfer, with the transfer's row in its transaction, is matched already; so is one by
// which a person put the balance right: it names no transaction.
const INSERT = `
  INSERT INTO chain_bookings (network, address, entry_id, transaction, atoms, kind, customer_id, corrects, posted_at, state)
  SELECT $1, $2, entry_id, transaction, atoms, kind, customer_id, corrects, posted_at,
         CASE WHEN transaction = '' AND kind IN ('discrepancy_resolved', 'entry_corrected')
                OR EXISTS (SELECT FROM chain_transfers seen WHERE seen.entry_id = booking.entry_id AND seen.address = $2)
              THEN 'matched' ELSE 'open' END
    FROM jsonb_to_recordset($3::jsonb) AS booking
         (entry_id bigint, transaction text, atoms bigint, kind text, customer_id text, corrects bigint, posted_at timestamptz)
  ON CONFLICT DO NOTHING`;
