/**
 * So long what is on one side may still come on the other: a proof of payment may be shown, a settlement may be booked,
 * a hosted facilitator's transaction may be mined.
 */
export const GRACE = `interval '1 hour'`;

/**
 * What may come of a transfer that is not on the books is somebody's business: it was sent by us, somebody has shown it
 * as a proof, its payer has a payment that is not finished, or its transaction has an entry that is not matched.
 */
const EXPECTED = `
  (EXISTS (SELECT FROM chain_transactions sent WHERE sent.hash = seen.transaction)
   OR EXISTS (SELECT FROM claims WHERE key = 'transfer:' || seen.network || ':' || seen.transaction || ':' || seen.log_index)
   OR EXISTS (SELECT FROM customers payer JOIN claims unfinished ON unfinished.customer_id = payer.id
               WHERE payer.wallet_address = seen.other
                 AND unfinished.state IN ('working', 'settling', 'in_doubt', 'promised'))
   OR EXISTS (SELECT FROM chain_bookings booking
               WHERE booking.network = seen.network AND booking.transaction = seen.transaction
                 AND booking.address = seen.address AND booking.state = 'open'))`;

/** Transfers of a network ($1) that are not on the books, that had their time, and that nothing is known of. */
export const UNEXPLAINED = `
  SELECT seen.network, seen.transaction, seen.log_index AS "logIndex", seen.address, seen.other, seen.atoms
    FROM chain_transfers seen
   WHERE seen.network = $1 AND seen.state = 'open' AND seen.mined_at < now() - ${GRACE} AND NOT ${EXPECTED}`;
