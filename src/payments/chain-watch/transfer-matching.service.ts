import { Injectable } from '@nestjs/common';
import { DatabaseService } from '../../database/database.service';
import type { Tx } from '../../database/tx';
import { type Booking, matchUp, type TransferSide } from './transfer-matching';

/** Transactions at once. */
const AT_ONCE = 500;

/** Finds for each transfer of a chain the entry that has it on the books, and for each entry its transfer. */
@Injectable()
export class TransferMatching {
  constructor(private readonly database: DatabaseService) {}

  /** Everything that can be matched by what is read of both. One at a time for a network; safe to repeat. */
  async match(network: string): Promise<void> {
    let after = '';
    for (;;) {
      const last = await this.database.transaction((tx) => matchSome(tx, network, after));
      if (last === undefined) return;
      after = last;
    }
  }
}

/** The last transaction that was looked at, in their order; `undefined` when there is none any more. */
async function matchSome(tx: Tx, network: string, after: string): Promise<string | undefined> {
  await tx.query(`SELECT pg_advisory_xact_lock(hashtext('chain-watch:' || $1))`, [network]);
  const rows = await tx.query<OpenRow>(OPEN, [network, after]);
  const pairs: { address: string; transaction: string; log_index: number; entry_id: string }[] = [];
  const closed: { address: string; entry_id: string }[] = [];
  for (const { address, transaction, transfers, bookings } of rows) {
    const matches = matchUp(transfers.map(toTransfer), bookings.map(toBooking));
    for (const { logIndex, entryId } of matches.pairs) {
      pairs.push({ address, transaction, log_index: logIndex, entry_id: entryId.toString() });
    }
    const entries = [...matches.pairs.map(({ entryId }) => entryId), ...matches.cancelled];
    closed.push(...entries.map((entryId) => ({ address, entry_id: entryId.toString() })));
  }
  if (pairs.length > 0) await tx.query(BOOKED, [network, JSON.stringify(pairs)]);
  if (closed.length > 0) await tx.query(MATCHED, [network, JSON.stringify(closed)]);
  return rows.at(-1)?.transaction;
}

// By transaction and address; a page never ends between the addresses of one transaction.
const OPEN = `
  WITH next AS (
    SELECT DISTINCT transaction FROM chain_bookings
     WHERE network = $1 AND state = 'open' AND transaction > $2 ORDER BY transaction LIMIT ${AT_ONCE}
  )
  SELECT booking.address, booking.transaction,
         json_agg(json_build_object('entryId', booking.entry_id::text, 'atoms', booking.atoms::text,
                                    'corrects', booking.corrects::text, 'kind', booking.kind)) AS bookings,
         coalesce((SELECT json_agg(json_build_object('logIndex', log_index, 'atoms', atoms::text) ORDER BY log_index)
                     FROM chain_transfers seen
                    WHERE seen.network = $1 AND seen.transaction = booking.transaction
                      AND seen.address = booking.address AND seen.state = 'open'), '[]') AS transfers
    FROM next JOIN chain_bookings booking
      ON booking.network = $1 AND booking.transaction = next.transaction AND booking.state = 'open'
   GROUP BY booking.address, booking.transaction ORDER BY booking.transaction`;

// What was booked to suspense waits there, unless somebody has said whose it is: under the log that the entry names, as a
// reorganisation can move a transfer to another log index of the same transaction.
const BOOKED = `
  UPDATE chain_transfers seen
     SET entry_id = pair.entry_id,
         state = CASE WHEN booking.kind <> 'unknown_transfer_received' THEN 'booked'
                      WHEN EXISTS (SELECT FROM journal_entries booked JOIN journal_keys given
                                      ON given.key = 'suspense:' || substr(booked.key, length('transfer:') + 1)
                                   WHERE booked.id = pair.entry_id)
                      THEN 'attributed' ELSE 'suspense' END
    FROM jsonb_to_recordset($2::jsonb) AS pair (address text, transaction text, log_index integer, entry_id bigint)
    JOIN chain_bookings booking
      ON booking.network = $1 AND booking.address = pair.address AND booking.entry_id = pair.entry_id
   WHERE seen.network = $1 AND seen.address = pair.address AND seen.transaction = pair.transaction
     AND seen.log_index = pair.log_index AND seen.state = 'open'`;

const MATCHED = `
  UPDATE chain_bookings booking SET state = 'matched'
    FROM jsonb_to_recordset($2::jsonb) AS matched (address text, entry_id bigint)
   WHERE booking.network = $1 AND booking.address = matched.address AND booking.entry_id = matched.entry_id`;

interface OpenRow {
  address: string;
  transaction: string;
  transfers: { logIndex: number; atoms: string }[];
  bookings: { entryId: string; atoms: string; corrects: string | null; kind: string }[];
}

const toTransfer = ({ logIndex, atoms }: OpenRow['transfers'][number]): TransferSide => ({
  logIndex,
  atoms: BigInt(atoms),
});

const toBooking = ({ entryId, atoms, corrects, kind }: OpenRow['bookings'][number]): Booking => ({
  entryId: BigInt(entryId),
  atoms: BigInt(atoms),
  corrects: corrects === null ? null : BigInt(corrects),
  isReversal: kind === 'transfer_reversed',
});
