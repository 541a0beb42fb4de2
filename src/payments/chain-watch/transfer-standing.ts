import type { Tx } from '../../database/tx';
import type { TransferLog } from './transfer-log';

/** A transfer to an address of ours, by the log that it had when it was claimed. */
export interface ClaimedTransfer extends TransferLog {
  /** Ours. */
  readonly address: string;
  readonly atoms: bigint;
}

/**
 * Where a transfer stands. `being_read`: the books have it in suspense, or as somebody's, and the chain says it under no
 * log at this moment: after a reorganisation it is read again. `unread`: nothing is known of it.
 */
export interface TransferStanding {
  readonly state: 'unread' | 'being_read' | 'open' | 'booked' | 'suspense' | 'attributed';
  /** What it is known by now: a reorganisation can mine its transaction behind other logs of a block. */
  readonly logIndex: number;
}

/** In one statement: who rewinds, reads and matches between two would make it look unknown. */
export async function standingOf(tx: Tx, transfer: ClaimedTransfer): Promise<TransferStanding> {
  const { network, transaction, logIndex, address, atoms } = transfer;
  const [row] = await tx.query<TransferStanding>(STANDING, [network, transaction, logIndex, address, atoms]);
  return row ?? { state: 'unread', logIndex };
}

// Entries that put it into suspense, and that were not taken back, have a transfer each. Where one has none, or one that is
// not matched to it yet, nobody can say which transfer that is.
const STANDING = `
  WITH stranded AS (
    SELECT FROM chain_bookings booking
     WHERE network = $1 AND transaction = $2 AND address = lower($4) AND atoms = $5
       AND kind = 'unknown_transfer_received'
       AND NOT EXISTS (SELECT FROM chain_transfers seen WHERE seen.entry_id = booking.entry_id)
       AND NOT EXISTS (SELECT FROM chain_bookings back WHERE back.network = $1 AND back.transaction = $2
                          AND back.address = booking.address AND back.corrects = booking.entry_id)
  ), seen AS (
    SELECT state, log_index FROM chain_transfers
     WHERE network = $1 AND transaction = $2 AND address = lower($4) AND atoms = $5
     ORDER BY log_index = $3 DESC, array_position('{suspense,open,attributed,booked}', state), log_index LIMIT 1
  )
  SELECT CASE WHEN EXISTS (SELECT FROM stranded) AND coalesce(max(state), 'open') = 'open' THEN 'being_read'
              ELSE coalesce(max(state), 'unread') END AS state,
         coalesce(max(log_index), $3) AS "logIndex"
    FROM seen`;
