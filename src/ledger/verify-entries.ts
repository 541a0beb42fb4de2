import type { Tx } from '../database/tx';
import { extentOf } from './partitions';
import { type Fault, MAX_FAULTS } from './verification';

/*
 * Keys, entries and postings against each other. Part by part each row must find its partner; equal numbers then say
 * that no partner is left over, and only if they differ are the left-over ones looked for.
 */

const LIMIT = `LIMIT ${MAX_FAULTS + 1}`;

/** Entries of one part that have no key of theirs. */
export const entriesWithoutKey = (tx: Tx, partition: string): Promise<Fault[]> =>
  tx.query<Fault>(
    `WITH extent AS (SELECT min(id) AS first, max(id) AS last FROM ${partition}),
          near AS (SELECT key, entry_id FROM journal_keys, extent WHERE entry_id BETWEEN first AND last)
     SELECT 'entry ' || entry.id AS subject, 'the key ' || entry.key AS expected,
            coalesce((SELECT 'that key names entry ' || entry_id FROM journal_keys WHERE key = entry.key), 'no such key') AS found
       FROM ${partition} entry LEFT JOIN near ON near.entry_id = entry.id AND near.key = entry.key
      WHERE near.key IS NULL ORDER BY entry.id ${LIMIT}`,
  );

/** Postings of one part whose entry is not there. */
export async function postingsWithoutEntry(tx: Tx, partition: string): Promise<Fault[]> {
  const extent = await extentOf(tx, partition, 'posted_at');
  if (extent === null) return [];
  return tx.query<Fault>(
    `SELECT 'posting of entry ' || posting.entry_id AS subject, 'an entry of the same instant' AS expected,
            'no such entry' AS found
       FROM ${partition} posting
       LEFT JOIN journal_entries entry ON entry.id = posting.entry_id AND entry.posted_at = posting.posted_at
        AND entry.posted_at BETWEEN $1::timestamptz AND $2::timestamptz
      WHERE entry.id IS NULL ORDER BY posting.entry_id ${LIMIT}`,
    [extent.first, extent.last],
  );
}

/** What is left over when there are more keys than entries, or more entries than keys. */
export async function countKeysAndEntries(tx: Tx): Promise<{ entries: number; faults: Fault[] }> {
  const [count] = await tx.query<{ keys: bigint; entries: bigint }>(
    'SELECT (SELECT count(*) FROM journal_keys) AS keys, (SELECT count(*) FROM journal_entries) AS entries',
  );
  const entries = Number(count?.entries ?? 0);
  if (count === undefined || count.keys === count.entries) return { entries, faults: [] };
  const faults = await tx.query<Fault>(
    `SELECT 'key ' || key AS subject, 'entry ' || entry_id AS expected, 'no such entry' AS found FROM journal_keys
      WHERE NOT EXISTS (SELECT FROM journal_entries WHERE id = entry_id AND journal_entries.key = journal_keys.key)
      ORDER BY entry_id ${LIMIT}`,
  );
  const numbers = { subject: 'keys and entries', expected: `${count.keys} entries`, found: `${count.entries} entries` };
  return { entries, faults: [...faults, numbers] };
}
