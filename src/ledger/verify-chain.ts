import type { Tx } from '../database/tx';
import { type CheckName, type Fault, MAX_FAULTS } from './verification';

/*
 * The walk along the hash chain, a bounded piece at a time: one short statement reads the postings of the piece once
 * and proves digests, links and running balances, and adds to the sums of the accounts that it met.
 *
 * Why the balances of one account follow each other along the chain, although flushes commit in another order than
 * their ids: a flush takes its id and its link while it holds the locks of all its accounts, and keeps them
 * until its commit. So two flushes that share an account have their ids and their links in the same order. Those that
 * share none may be in either order, and no running balance knows both.
 */

const MAX_LINKS = 2_000;
const MAX_ENTRIES = 20_000;
const LIMIT = `LIMIT ${MAX_FAULTS + 1}`;

/** Where the walk is: the last link that it has passed, with the hash that it had then. */
export interface Place {
  readonly seq: bigint;
  /** Hex. */
  readonly hash: string;
}

/** The run's secret: numbers that add up to the same fingerprint by chance only. */
export interface Walker {
  readonly runId: bigint;
  /** int8 */
  readonly seed: string;
}

export interface Piece {
  readonly place: Place;
  readonly links: number;
  readonly postings: number;
  readonly entries: number;
  /** Entries that are found under their key, and a fingerprint of them; all others must be captures. */
  readonly keyed: number;
  readonly keyedPrint: bigint;
  readonly captures: number;
  readonly capturesPrint: bigint;
  readonly faults: readonly (Fault & { check: CheckName })[];
}

/** Walks the next piece and adds to the sums of the run; `null` when there is no link after `from`. */
export async function walkPiece(tx: Tx, { runId, seed }: Walker, from: Place): Promise<Piece | null> {
  const [bounds] = await tx.query<Bounds>(BOUNDS, [from.seq]);
  if (!bounds || bounds.links === 0n) return null;
  const { last, first_flush, last_flush, first_at, last_at } = bounds;
  const entries = [first_flush * 512n, last_flush * 512n + 511n];
  const [walked] = await tx.query<Walked>(WALK, [
    ...[runId, from.seq, last, from.hash],
    ...[...entries, first_at, last_at, seed],
  ]);
  if (!walked) throw new Error('the walk returned nothing');
  return {
    place: { seq: last, hash: walked.hash },
    links: Number(bounds.links),
    postings: Number(walked.postings),
    entries: Number(walked.entries),
    keyed: Number(walked.keyed),
    keyedPrint: BigInt(walked.keyed_print),
    captures: Number(walked.captures),
    capturesPrint: BigInt(walked.captures_print),
    faults: walked.faults,
  };
}

interface Bounds {
  last: bigint;
  links: bigint;
  first_flush: bigint;
  last_flush: bigint;
  first_at: string;
  last_at: string;
}

interface Walked {
  hash: string;
  postings: bigint;
  entries: bigint;
  keyed: bigint;
  keyed_print: string;
  captures: bigint;
  captures_print: string;
  faults: (Fault & { check: CheckName })[];
}

// LATERAL with LIMIT: a look-up by index each, whatever the planner believes about the size of a table.
const FLUSH_OF_LINK = `
  LEFT JOIN LATERAL (SELECT entries, digest FROM ledger_flushes
                      WHERE id = link.flush_id AND posted_at = link.posted_at LIMIT 1) flush ON true`;

const BOUNDS = `
  SELECT max(seq) AS last, count(*) AS links, min(flush_id) AS first_flush, max(flush_id) AS last_flush,
         min(posted_at)::text AS first_at, max(posted_at)::text AS last_at
    FROM (SELECT seq, flush_id, posted_at, sum(coalesce(entries, 1)) OVER (ORDER BY seq) - coalesce(entries, 1) AS before
            FROM (SELECT * FROM ledger_chain WHERE seq > $1 ORDER BY seq LIMIT ${MAX_LINKS}) link ${FLUSH_OF_LINK}) piece
   WHERE before < ${MAX_ENTRIES}`;

/** What `ledger_apply` and `ledger_flush` have digested, in their words: `verify` on books that they wrote is the proof that all agree. */
const DIGEST = `
  sha256(convert_to(extract(epoch FROM posted_at) || string_agg(
    ROW(entry_id, line, kind, key, customer_id, debit_account_id, credit_account_id, asset, atoms, debit_balance_after,
        credit_balance_after, memo, corrects, CASE WHEN effective_at <> posted_at THEN extract(epoch FROM effective_at) END)::text,
    '' ORDER BY entry_id, line), 'UTF8'))`;

// $1 run, $2 last link before, $3 last link, $4 hash of $2, $5 and $6 entry ids, $7 and $8 instants, $9 seed
const WALK = `
  WITH links AS MATERIALIZED (
    SELECT seq, flush_id, posted_at, hash, entries, digest, lag(hash, 1, decode($4, 'hex')) OVER (ORDER BY seq) AS before,
           lag(seq, 1, $2::bigint) OVER (ORDER BY seq) AS seq_before
      FROM ledger_chain link ${FLUSH_OF_LINK} WHERE seq > $2 AND seq <= $3
  ), lines AS MATERIALIZED (
    SELECT links.seq, posting.* FROM postings posting
      JOIN links ON links.flush_id = posting.entry_id / 512 AND links.posted_at = posting.posted_at
     WHERE posting.entry_id BETWEEN $5 AND $6 AND posting.posted_at BETWEEN $7::timestamptz AND $8::timestamptz
  ), digested AS (
    SELECT seq, count(*) FILTER (WHERE line <= 1) AS entries, ${DIGEST} AS digest FROM lines GROUP BY seq, posted_at
  ), known AS (
    SELECT line.entry_id, line.key, line.posted_at, key.entry_id IS NOT DISTINCT FROM line.entry_id AS keyed FROM lines line
      LEFT JOIN LATERAL (SELECT entry_id FROM journal_keys WHERE key = line.key LIMIT 1) key ON true
     WHERE line <= 1
  ), moves AS (
    SELECT debit_account_id AS account_id, entry_id, line, asset, -atoms AS delta, debit_balance_after AS after
      FROM lines WHERE line > 0
    UNION ALL
    SELECT credit_account_id, entry_id, line, asset, atoms, credit_balance_after FROM lines WHERE line > 0
  ), ordered AS (
    SELECT *, lag(after) OVER account AS previous, lead(after) OVER account AS following FROM moves
    WINDOW account AS (PARTITION BY account_id ORDER BY entry_id, line)
  ), summed AS (
    SELECT account_id, coalesce(sum(delta) FILTER (WHERE delta > 0), 0) AS credits,
           coalesce(-sum(delta) FILTER (WHERE delta < 0), 0) AS debits,
           max(after - delta) FILTER (WHERE previous IS NULL) AS opening, max(after) FILTER (WHERE following IS NULL) AS closing,
           min(entry_id) AS first_entry, min(entry_id) FILTER (WHERE after - delta <> previous) AS first_gap,
           min(asset) AS asset, max(asset) AS other_asset
      FROM ordered GROUP BY account_id
  ), compared AS (
    SELECT summed.*, coalesce(known.closing, 0) AS before, account.asset AS own_asset,
           coalesce(account.code || ' ' || account.asset, 'account ' || summed.account_id) AS name
      FROM summed
      LEFT JOIN verification_accounts known ON known.verification_id = $1 AND known.account_id = summed.account_id
      LEFT JOIN ledger_accounts account ON account.id = summed.account_id
  ), saved AS (
    INSERT INTO verification_accounts AS sums SELECT $1, account_id, credits, debits, closing FROM summed
    ON CONFLICT (verification_id, account_id) DO UPDATE
       SET credits = sums.credits + excluded.credits, debits = sums.debits + excluded.debits, closing = excluded.closing
  ), faults AS (
    (SELECT 'hash_chain' AS check, 'link ' || seq AS subject, 'the link after ' || seq - 1 AS expected,
            'none between ' || seq_before || ' and ' || seq AS found
       FROM links WHERE seq <> seq_before + 1 ORDER BY seq ${LIMIT})
    UNION ALL
    (SELECT 'hash_chain', 'link ' || seq, 'a flush ' || flush_id || ' of the same instant', 'no such flush'
       FROM links WHERE digest IS NULL ORDER BY seq ${LIMIT})
    UNION ALL
    (SELECT 'hash_chain', 'link ' || seq, 'hash ' || encode(sha256(before || digest), 'hex'), encode(hash, 'hex')
       FROM links WHERE hash <> sha256(before || digest) ORDER BY seq ${LIMIT})
    UNION ALL
    (SELECT 'flush_digests', 'flush ' || flush_id || ', entries from ' || flush_id * 512,
            links.entries || ' entries, digest ' || encode(links.digest, 'hex'),
            coalesce(digested.entries, 0) || ' entries, digest ' || coalesce(encode(digested.digest, 'hex'), 'none')
       FROM links LEFT JOIN digested USING (seq)
      WHERE links.digest IS NOT NULL
        AND (digested.digest IS DISTINCT FROM links.digest OR digested.entries IS DISTINCT FROM links.entries)
      ORDER BY seq ${LIMIT})
    UNION ALL
    (SELECT 'running_balances', name || ', entry ' || first_entry, 'a balance of ' || before || ' before', opening::text
       FROM compared WHERE opening <> before ORDER BY first_entry ${LIMIT})
    UNION ALL
    (SELECT 'running_balances', name || ', entry ' || first_gap, 'the balance of the posting before', 'another one'
       FROM compared WHERE first_gap IS NOT NULL ORDER BY first_gap ${LIMIT})
    UNION ALL
    (SELECT 'assets_apart', name, 'postings in its own asset',
            concat_ws(' and ', asset, nullif(other_asset, asset)) || ', from entry ' || first_entry || ' on'
       FROM compared WHERE own_asset IS DISTINCT FROM asset OR own_asset IS DISTINCT FROM other_asset
      ORDER BY first_entry ${LIMIT})
  )
  SELECT (SELECT encode(hash, 'hex') FROM links ORDER BY seq DESC LIMIT 1) AS hash,
         (SELECT count(*) FROM lines) AS postings,
         count(*) AS entries, count(*) FILTER (WHERE keyed) AS keyed, count(*) FILTER (WHERE NOT keyed) AS captures,
         coalesce(sum(hash_record_extended(ROW(key, entry_id), $9)) FILTER (WHERE keyed), 0)::text AS keyed_print,
         coalesce(sum(hash_record_extended(ROW(entry_id, posted_at), $9)) FILTER (WHERE NOT keyed), 0)::text AS captures_print,
         (SELECT coalesce(json_agg(faults), '[]') FROM faults) AS faults
    FROM known`;
