import { Injectable } from '@nestjs/common';
import type { AssetCode } from '../common/asset';
import type { Money } from '../common/money';
import { prefixedId } from '../common/id';
import type { ReconciliationWindow, SideName } from '../common/reconciliation-side';
import { DatabaseService } from '../database/database.service';
import type { Tx } from '../database/tx';
import { joined, type ReconciliationRun, type RunState, type SideOutcome } from './reconciliation-run';
import { RUN_LOCK } from './run-lock';

/** What is to be compared. */
export interface RunRequest {
  readonly sides: readonly SideName[];
  readonly window: ReconciliationWindow;
}

/** Rows of `reconciliation_runs`, with what came of each side. */
@Injectable()
export class ReconciliationRuns {
  constructor(private readonly database: DatabaseService) {}

  /** One that somebody asked for. */
  async make(tx: Tx, { sides, window }: RunRequest): Promise<string> {
    const id = prefixedId('rec');
    await tx.query(
      `INSERT INTO reconciliation_runs (id, kind, sides, window_from, window_until, state)
       VALUES ($1, 'asked', $2, $3, $4, 'waiting')`,
      [id, sides, window.from, window.until],
    );
    return id;
  }

  /** The one of this day, with the run's lock; `undefined` when it has ended well. */
  async makeNightly(day: string, { sides, window }: RunRequest): Promise<string | undefined> {
    const [row] = await this.database.query<{ id: string }>(
      `INSERT INTO reconciliation_runs AS r (id, kind, day, sides, window_from, window_until, state)
       VALUES ($1, 'nightly', $2, $3, $4, $5, 'waiting')
       ON CONFLICT (kind, day) DO UPDATE SET state = 'waiting', told_at = NULL WHERE r.state <> 'finished'
       RETURNING id`,
      [prefixedId('rec'), day, sides, window.from, window.until],
    );
    return row?.id;
  }

  /** With the run's lock: whatever else says that it is running has died. */
  async begin(id: string): Promise<void> {
    await this.database.query(
      `UPDATE reconciliation_runs SET state = CASE id WHEN $1 THEN 'running' ELSE 'interrupted' END,
              started_at = CASE id WHEN $1 THEN coalesce(started_at, now()) ELSE started_at END,
              finished_at = CASE id WHEN $1 THEN NULL ELSE now() END
        WHERE id = $1 OR state = 'running'`,
      [id],
    );
  }

  async end(id: string, state: RunState): Promise<void> {
    await this.database.query('UPDATE reconciliation_runs SET state = $2, finished_at = now() WHERE id = $1', [
      id,
      state,
    ]);
  }

  /** Nightly ones that have ended, and that the operator was not told of; the oldest day first. */
  untold(): Promise<{ id: string; day: string }[]> {
    return this.database.query(
      `SELECT id, to_char(day, 'YYYY-MM-DD') AS day FROM reconciliation_runs r
        WHERE kind = 'nightly' AND state IN ('finished', 'failed') AND told_at IS NULL ORDER BY r.day`,
    );
  }

  /** @returns whether nobody else has told, or is telling: those wait here for the commit */
  async markTold(tx: Tx, id: string): Promise<boolean> {
    const sql = 'UPDATE reconciliation_runs SET told_at = now() WHERE id = $1 AND told_at IS NULL RETURNING id';
    return (await tx.query(sql, [id])).length > 0;
  }

  /** What came of a side takes the place of what came of it before in the same run. */
  async write(tx: Tx, runId: string, outcome: Omit<SideOutcome, 'at'>): Promise<void> {
    const atomsOf = ({ asset, atoms }: Money) => ({ asset, atoms: atoms.toString() });
    const balances = outcome.balances.map(({ name, ours, theirs }) => ({
      name,
      ours: atomsOf(ours),
      theirs: atomsOf(theirs),
    }));
    await tx.query(
      `INSERT INTO reconciliation_outcomes (run_id, side, state, counts, balances, found, error)
       VALUES ($1, $2, $3, $4, $5, $6, $7)
       ON CONFLICT (run_id, side) DO UPDATE SET state = excluded.state, counts = excluded.counts,
          balances = excluded.balances, found = excluded.found, error = excluded.error, finished_at = now()`,
      [
        ...[runId, outcome.side, outcome.state, JSON.stringify(outcome.counts), JSON.stringify(balances)],
        ...[outcome.found, outcome.error],
      ],
    );
  }

  async get(id: string): Promise<ReconciliationRun | undefined> {
    const [run] = await this.select('WHERE id = $1', [id]);
    return run;
  }

  /** Newest first; `before` is the last id of the page before. */
  list(limit: number, before?: string): Promise<ReconciliationRun[]> {
    return this.select('WHERE $2::text IS NULL OR id < $2 ORDER BY id DESC LIMIT $1', [limit, before ?? null]);
  }

  /**
   * Until when Stripe was compared without a gap, by runs of all sides that ended well; `undefined` when never. The
   * other sides look at everything, whatever the window.
   */
  async reconciledUntil(): Promise<Date | undefined> {
    const rows = await this.database.query<ReconciledRow>(RECONCILED);
    return joined(rows.map(({ started_at: at, window_from: from, window_until: until }) => ({ at, from, until })));
  }

  /** The newest outcome of each side and state. */
  async newest(): Promise<readonly SideOutcome[]> {
    const rows = await this.database.query<OutcomeRow>(
      `SELECT DISTINCT ON (side, state) * FROM reconciliation_outcomes ORDER BY side, state, finished_at DESC`,
    );
    return rows.map(toOutcome);
  }

  private async select(which: string, parameters: readonly unknown[]): Promise<ReconciliationRun[]> {
    const rows = await this.database.query<RunRow>(`${RUNS} ${which}`, parameters);
    const outcomes = await this.database.query<OutcomeRow>(
      'SELECT * FROM reconciliation_outcomes WHERE run_id = ANY ($1::text[]) ORDER BY run_id, finished_at',
      [rows.map(({ id }) => id)],
    );
    return rows.map((row) => toRun(row, outcomes.filter(({ run_id }) => run_id === row.id).map(toOutcome)));
  }
}

/** A run that says that it is running, and whose lock nobody has, was interrupted. */
const RUNS = `
  SELECT id, kind, to_char(day, 'YYYY-MM-DD') AS day, sides, window_from, window_until, created_at, started_at, finished_at,
         CASE WHEN state = 'running' AND NOT EXISTS (
                SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 2
                   AND classid = ${RUN_LOCK[0]} AND objid = ${RUN_LOCK[1]}
                   AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))
              THEN 'interrupted' ELSE state END AS state
    FROM reconciliation_runs`;

const RECONCILED = `
  SELECT started_at, window_from, window_until FROM reconciliation_runs r
   WHERE state = 'finished' AND cardinality(sides) = 3
     AND EXISTS (SELECT FROM reconciliation_outcomes WHERE run_id = r.id AND side = 'stripe' AND state = 'done')
   ORDER BY started_at`;

interface ReconciledRow {
  started_at: Date;
  window_from: Date;
  window_until: Date;
}

interface RunRow {
  id: string;
  kind: ReconciliationRun['kind'];
  day: string | null;
  sides: SideName[];
  window_from: Date;
  window_until: Date;
  state: RunState;
  created_at: Date;
  started_at: Date | null;
  finished_at: Date | null;
}

interface OutcomeRow {
  run_id: string;
  side: SideName;
  state: SideOutcome['state'];
  counts: Record<string, number>;
  balances: { name: string; ours: { asset: AssetCode; atoms: string }; theirs: { asset: AssetCode; atoms: string } }[];
  found: number;
  error: string | null;
  finished_at: Date;
}

const toRun = (row: RunRow, outcomes: readonly SideOutcome[]): ReconciliationRun => ({
  id: row.id,
  kind: row.kind,
  day: row.day,
  sides: row.sides,
  window: { from: row.window_from, until: row.window_until },
  state: row.state,
  createdAt: row.created_at,
  startedAt: row.started_at,
  finishedAt: row.finished_at,
  outcomes,
});

const toOutcome = ({ side, state, counts, balances, found, error, finished_at: at }: OutcomeRow): SideOutcome => ({
  ...{ side, state, counts, found, error, at },
  balances: balances.map(({ name, ours, theirs }) => ({
    name,
    ours: { asset: ours.asset, atoms: BigInt(ours.atoms) },
    theirs: { asset: theirs.asset, atoms: BigInt(theirs.atoms) },
  })),
});
