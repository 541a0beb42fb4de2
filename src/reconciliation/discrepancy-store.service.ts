import { Injectable } from '@nestjs/common';
import type { AssetCode } from '../common/asset';
import { prefixedId } from '../common/id';
import type { Finding, SideName } from '../common/reconciliation-side';
import { DatabaseService } from '../database/database.service';
import type { Tx } from '../database/tx';
import {
  AFTER_RUN,
  byKindAndRef,
  type Discrepancy,
  type DiscrepancyState,
  nameOf,
  type Resolution,
  type Sight,
  sightOf,
} from './discrepancy';

export interface DiscrepancyFilter {
  readonly side?: SideName | undefined;
  readonly state?: DiscrepancyState | undefined;
  /** The last id of the page before. */
  readonly after?: string | undefined;
}

/** Rows of `discrepancies`. */
@Injectable()
export class DiscrepancyStore {
  constructor(private readonly database: DatabaseService) {}

  /**
   * Writes down what a run found on one side: what is new opens, what is not found any more vanishes, what was resolved
   * stays so as long as it is what was resolved.
   * @throws Error when a kind and ref occurs twice
   */
  async record(tx: Tx, side: SideName, findings: readonly Finding[]): Promise<void> {
    const found = byKindAndRef(side, findings);
    const known = await tx.query<KnownRow>(KNOWN, [side, findings.map(({ kind }) => kind), findings.map((f) => f.ref)]);
    const next = new Map<string, { sight: Sight; state: DiscrepancyState }>();
    for (const row of known) {
      const amount = { asset: row.asset, atoms: row.amount_atoms };
      const sight = sightOf({ amount, wasGone: row.was_gone, takenBack: row.taken_back }, found.get(nameOf(row)));
      next.set(nameOf(row), { sight, state: AFTER_RUN[row.state][sight] });
    }
    const gone = known.filter((row) => next.get(nameOf(row))?.sight === 'gone').map(({ id }) => id);
    await tx.query(GONE, [gone]);
    const rows = findings.map((finding) => ({
      id: prefixedId('dis'),
      kind: finding.kind,
      ref: finding.ref,
      asset: finding.amount.asset,
      amount_atoms: finding.amount.atoms.toString(),
      account: finding.account ?? null,
      customer_id: finding.customerId ?? null,
      suggested_cause: finding.suggestedCause,
      since: finding.since,
      state: next.get(nameOf(finding))?.state ?? 'open',
    }));
    const isKnown = (row: { kind: string; ref: string }) => next.has(nameOf(row));
    await tx.query(SEE_AGAIN, [side, JSON.stringify(rows.filter(isKnown))]);
    await tx.query(SEE_FIRST, [side, JSON.stringify(rows.filter((row) => !isKnown(row)))]);
  }

  async find(tx: Tx, id: string): Promise<Discrepancy | undefined> {
    const [row] = await tx.query<DiscrepancyRow>('SELECT * FROM discrepancies WHERE id = $1', [id]);
    return row && toDiscrepancy(row);
  }

  /** Until `tx` ends no run and no other person changes it. */
  async lock(tx: Tx, id: string): Promise<Discrepancy | undefined> {
    const [row] = await tx.query<DiscrepancyRow>('SELECT * FROM discrepancies WHERE id = $1 FOR UPDATE', [id]);
    return row && toDiscrepancy(row);
  }

  /** Whether the entry of an earlier resolution has been corrected, so that its amount is missing again. */
  async isTakenBack(tx: Tx, entry: bigint): Promise<boolean> {
    return (await tx.query(`SELECT FROM journal_keys WHERE key = 'correction:' || $1::text`, [entry])).length > 0;
  }

  async resolve(tx: Tx, id: string, resolution: Omit<Resolution, 'at'>): Promise<void> {
    const { by, reason, entry } = resolution;
    await tx.query(
      `UPDATE discrepancies SET state = 'resolved', resolved_at = now(), resolved_by = $2, reason = $3,
              resolved_entry = $4, resolved_from = $5, resolved_to = $6,
              standing_entry = NULL WHERE id = $1`,
      [id, by, reason, entry?.id ?? null, entry?.from ?? null, entry?.to ?? null],
    );
  }

  /** In the order in which they were first found. */
  async list({ side, state, after }: DiscrepancyFilter, limit: number): Promise<Discrepancy[]> {
    const rows = await this.database.query<DiscrepancyRow>(
      `SELECT * FROM discrepancies
        WHERE ($1::text IS NULL OR side = $1) AND ($2::text IS NULL OR state = $2) AND ($3::text IS NULL OR id > $3)
        ORDER BY id LIMIT $4`,
      [side ?? null, state ?? null, after ?? null, limit],
    );
    return rows.map(toDiscrepancy);
  }

  /** Everything that does not match now, also what was resolved; oldest first. */
  async standing(): Promise<Discrepancy[]> {
    const rows = await this.database.query<DiscrepancyRow>(
      `SELECT * FROM discrepancies WHERE state = 'open' OR state = 'resolved' AND gone_at IS NULL ORDER BY since, id`,
    );
    return rows.map(toDiscrepancy);
  }
}

/** Those that could vanish, and those that were found again, whatever they are. */
const KNOWN = `
  SELECT id, kind, ref, asset, amount_atoms, state, gone_at IS NOT NULL AS was_gone,
         EXISTS (SELECT FROM journal_keys WHERE key = 'correction:' || resolved_entry) AS taken_back
    FROM discrepancies
   WHERE side = $1 AND (state = 'open' OR state = 'resolved' AND gone_at IS NULL
                        OR (kind, ref) IN (SELECT * FROM unnest($2::text[], $3::text[])))
     FOR UPDATE`;

const GONE = `
  UPDATE discrepancies SET gone_at = CASE state WHEN 'resolved' THEN coalesce(gone_at, now()) END,
         state = CASE state WHEN 'open' THEN 'vanished' ELSE state END
   WHERE id = ANY ($1::text[])`;

const FOUND = `jsonb_to_recordset($2) AS f(id text, kind text, ref text, asset text, amount_atoms bigint, account text, customer_id text,
                                            suggested_cause text, since timestamptz, state text)`;

/** What opens anew loses its old resolution; the entry of it stays on the books, and in mind until it is taken back. */
const SEE_AGAIN = `
  UPDATE discrepancies d SET asset = f.asset, amount_atoms = f.amount_atoms, account = f.account, customer_id = f.customer_id,
         suggested_cause = f.suggested_cause, last_seen = now(), state = f.state,
         since = CASE d.state WHEN 'vanished' THEN f.since ELSE least(d.since, f.since) END,
         times = d.times + CASE WHEN d.state <> 'open' AND f.state = 'open' THEN 1 ELSE 0 END,
         resolved_at = CASE f.state WHEN 'resolved' THEN d.resolved_at END,
         resolved_by = CASE f.state WHEN 'resolved' THEN d.resolved_by END,
         reason = CASE f.state WHEN 'resolved' THEN d.reason END,
         resolved_entry = CASE f.state WHEN 'resolved' THEN d.resolved_entry END,
         resolved_from = CASE f.state WHEN 'resolved' THEN d.resolved_from END,
         resolved_to = CASE f.state WHEN 'resolved' THEN d.resolved_to END,
         gone_at = CASE f.state WHEN 'resolved' THEN d.gone_at END,
         standing_entry = CASE f.state WHEN 'open' THEN
           (SELECT entry FROM (SELECT coalesce(d.resolved_entry, d.standing_entry) AS entry) last
             WHERE NOT EXISTS (SELECT FROM journal_keys WHERE key = 'correction:' || entry)) END
    FROM ${FOUND}
   WHERE d.side = $1 AND d.kind = f.kind AND d.ref = f.ref`;

const SEE_FIRST = `
  INSERT INTO discrepancies (id, side, kind, ref, asset, amount_atoms, account, customer_id, suggested_cause, since, state)
  SELECT id, $1, kind, ref, asset, amount_atoms, account, customer_id, suggested_cause, since, state FROM ${FOUND}`;

interface KnownRow {
  id: string;
  kind: string;
  ref: string;
  asset: AssetCode;
  amount_atoms: bigint;
  state: DiscrepancyState;
  was_gone: boolean;
  taken_back: boolean;
}

interface DiscrepancyRow {
  id: string;
  side: SideName;
  kind: string;
  ref: string;
  asset: AssetCode;
  amount_atoms: bigint;
  account: string | null;
  standing_entry: bigint | null;
  customer_id: string | null;
  suggested_cause: string;
  state: DiscrepancyState;
  since: Date;
  first_seen: Date;
  last_seen: Date;
  times: number;
  resolved_at: Date | null;
  resolved_by: string | null;
  reason: string | null;
  resolved_from: string | null;
  resolved_to: string | null;
  resolved_entry: bigint | null;
}

const toDiscrepancy = (row: DiscrepancyRow): Discrepancy => ({
  id: row.id,
  side: row.side,
  kind: row.kind,
  ref: row.ref,
  amount: { asset: row.asset, atoms: row.amount_atoms },
  account: row.account,
  standingEntry: row.standing_entry,
  customerId: row.customer_id,
  suggestedCause: causeIn(row),
  state: row.state,
  since: row.since,
  firstSeen: row.first_seen,
  lastSeen: row.last_seen,
  times: row.times,
  resolution: resolutionOf(row),
});

const causeIn = ({ standing_entry: entry, suggested_cause: cause }: DiscrepancyRow): string =>
  entry === null
    ? cause
    : `Entry ${entry} settled it at another amount and still stands: take that back first, then settle all of it. ${cause}`;

function resolutionOf(row: DiscrepancyRow): Resolution | null {
  const { resolved_at: at, resolved_by: by, reason, resolved_from: from, resolved_to: to, resolved_entry: id } = row;
  if (at === null || by === null || reason === null) return null;
  return { at, by, reason, entry: id === null || from === null || to === null ? null : { id, from, to } };
}
