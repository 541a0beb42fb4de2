import type { Tx } from '../database/tx';
import { type Check, check, type Fault, MAX_FAULTS } from './verification';
import type { VerificationRun } from './verification-run';

/*
 * Whether there is more in the tables than the chain led to. Counts and fingerprints of what was walked are compared
 * with those of whole tables; only if they differ is what is left over looked for.
 */

const LIMIT = `LIMIT ${MAX_FAULTS + 1}`;

/** On the snapshot on which the walk has come to the head. Seconds for ten million entries. */
export async function checkEntries(tx: Tx, { seen, place, walker }: VerificationRun): Promise<Check[]> {
  const [table] = await tx.query<Tables>(TABLES, [walker.seed]);
  if (!table) throw new Error('the tables could not be counted');
  const beside: Fault[] = [];
  if (table.flushes !== place.seq) beside.push(...(await tx.query<Fault>(FLUSHES_WITHOUT_LINK)));
  if (Number(table.postings) !== seen.postings) {
    beside.push(...(await tx.query<Fault>(POSTINGS_WITHOUT_FLUSH)));
    beside.push(numbers('postings', `${seen.postings} that the chain leads to`, table.postings));
  }
  const unknown: Fault[] = [];
  const keysDiffer = Number(table.keys) !== seen.keyed || table.keys_print !== seen.keyedPrint;
  const capturesDiffer = Number(table.captures) !== seen.captures || table.captures_print !== seen.capturesPrint;
  if (keysDiffer || capturesDiffer) {
    for (const sql of [KEYS_WITHOUT_ENTRY, ENTRIES_WITHOUT_EITHER, HOLDS_WITHOUT_ENTRY]) {
      unknown.push(...(await tx.query<Fault>(sql)));
    }
  }
  if (keysDiffer) unknown.push(numbers('keys of entries', seen.keyed, table.keys));
  if (capturesDiffer) unknown.push(numbers('holds of captures', seen.captures, table.captures));
  return [check('postings_and_flushes', seen.postings, beside), check('keys_and_entries', seen.entries, unknown)];
}

interface Tables {
  postings: bigint;
  flushes: bigint;
  keys: bigint;
  keys_print: string;
  captures: bigint;
  captures_print: string;
}

const numbers = (subject: string, expected: number | string, found: bigint): Fault => ({
  subject,
  expected: `${expected}`,
  found: `${found}, or as many others`,
});

/** $1 the run's seed. `walkPiece` makes the same fingerprints of what it finds. */
const TABLES = `
  SELECT (SELECT count(*) FROM postings) AS postings, (SELECT count(*) FROM ledger_flushes) AS flushes,
         keys.*, captures.*
    FROM (SELECT count(*) AS keys, coalesce(sum(hash_record_extended(ROW(key, entry_id), $1)), 0)::text AS keys_print
            FROM journal_keys) keys,
         (SELECT count(*) AS captures,
                 coalesce(sum(hash_record_extended(ROW(entry_id, closed_at), $1)), 0)::text AS captures_print
            FROM holds WHERE state = 'captured') captures`;

const FLUSHES_WITHOUT_LINK = `
  SELECT 'flush ' || id AS subject, 'one link in the chain' AS expected,
         (SELECT count(*) FROM ledger_chain link WHERE link.flush_id = flush.id) || ' links' AS found
    FROM ledger_flushes flush
   WHERE NOT EXISTS (SELECT FROM ledger_chain link WHERE link.flush_id = flush.id AND link.posted_at = flush.posted_at)
   ORDER BY id ${LIMIT}`;

const POSTINGS_WITHOUT_FLUSH = `
  SELECT 'posting of entry ' || entry_id AS subject, 'flush ' || entry_id / 512 || ' of the same instant' AS expected,
         'no such flush' AS found
    FROM postings WHERE NOT EXISTS (
      SELECT FROM ledger_flushes flush WHERE flush.id = entry_id / 512 AND flush.posted_at = postings.posted_at)
   ORDER BY entry_id ${LIMIT}`;

const KEYS_WITHOUT_ENTRY = `
  SELECT 'key ' || key AS subject, 'entry ' || entry_id || ' under this key' AS expected, 'no such entry' AS found
    FROM journal_keys
   WHERE NOT EXISTS (SELECT FROM postings WHERE postings.entry_id = journal_keys.entry_id AND postings.key = journal_keys.key)
   ORDER BY entry_id ${LIMIT}`;

const ENTRIES_WITHOUT_EITHER = `
  SELECT 'entry ' || entry_id AS subject, 'the key ' || key || ', or a captured hold' AS expected,
         coalesce((SELECT 'that key names entry ' || known.entry_id FROM journal_keys known WHERE known.key = posting.key),
                  'neither') AS found
    FROM postings posting
   WHERE line <= 1
     AND NOT EXISTS (SELECT FROM journal_keys known WHERE known.entry_id = posting.entry_id AND known.key = posting.key)
     AND NOT EXISTS (SELECT FROM holds WHERE holds.entry_id = posting.entry_id)
   ORDER BY entry_id ${LIMIT}`;

const HOLDS_WITHOUT_ENTRY = `
  SELECT 'hold ' || id AS subject, 'entry ' || entry_id || ' of the same instant' AS expected, 'no such entry' AS found
    FROM holds
   WHERE state = 'captured'
     AND NOT EXISTS (SELECT FROM postings WHERE postings.entry_id = holds.entry_id AND postings.posted_at = closed_at)
   ORDER BY id ${LIMIT}`;
