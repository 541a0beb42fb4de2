import type { Tx } from '../database/tx';
import type { KnownHead } from './chain-head';
import { type Check, check, type Fault } from './verification';

/** Whether each is still where it was. */
export async function checkHeads(tx: Tx, heads: readonly KnownHead[]): Promise<Check> {
  const faults = await tx.query<Fault>(
    `SELECT 'link ' || head.seq AS subject, 'hash ' || head.hash AS expected,
            coalesce('hash ' || encode(link.hash, 'hex'), 'no such link') AS found
       FROM unnest($1::bigint[], $2::text[]) AS head(seq, hash) LEFT JOIN ledger_chain link ON link.seq = head.seq
      WHERE encode(link.hash, 'hex') IS DISTINCT FROM head.hash ORDER BY head.seq`,
    [heads.map(({ seq }) => seq), heads.map(({ hash }) => hash)],
  );
  return check('known_heads', heads.length, faults);
}
