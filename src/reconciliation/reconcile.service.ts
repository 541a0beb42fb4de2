import { Inject, Injectable, Logger } from '@nestjs/common';
import type { ReconciliationSide, SideName } from '../common/reconciliation-side';
import { DatabaseService } from '../database/database.service';
import { Session } from '../database/session.client';
import { DiscrepancyStore } from './discrepancy-store.service';
import { ReconciliationRunningError } from './reconciliation-error';
import type { ReconciliationRun } from './reconciliation-run';
import { ReconciliationRuns, type RunRequest } from './reconciliation-runs.service';
import { RUN_LOCK } from './run-lock';

/** Everybody who can be asked, in the order in which they are. */
export const RECONCILIATION_SIDES = Symbol('RECONCILIATION_SIDES');

/** Hears how far a run is, in a few words. */
export type RunListener = (side: SideName, progress: string) => void;

const STATEMENT_SECONDS = 30;

/** Compares the books with every other record of our money, one run at a time for all replicas. */
@Injectable()
export class Reconcile {
  private readonly logger = new Logger('Reconciliation');

  constructor(
    @Inject(RECONCILIATION_SIDES) private readonly sides: readonly ReconciliationSide[],
    private readonly database: DatabaseService,
    private readonly runs: ReconciliationRuns,
    private readonly discrepancies: DiscrepancyStore,
  ) {}

  /** Runs now, to the end. @throws ReconciliationRunningError */
  run(request: RunRequest, tell: RunListener = ignore): Promise<ReconciliationRun> {
    return this.withLock(async (held) => this.perform(await this.runs.make(this.database, request), held, tell));
  }

  /** Does a run that was made, or goes on with one that was interrupted. @throws ReconciliationRunningError */
  resume(id: string): Promise<ReconciliationRun> {
    return this.withLock((held) => this.perform(id, held, ignore));
  }

  /**
   * The run of a day, `undefined` when it has ended well before: what it has asked already is not asked again.
   * @throws ReconciliationRunningError
   */
  nightly(day: string, request: RunRequest): Promise<ReconciliationRun | undefined> {
    return this.withLock(async (held) => {
      const id = await this.runs.makeNightly(day, request);
      return id === undefined ? undefined : this.perform(id, held, ignore);
    });
  }

  private async perform(id: string, held: Held, tell: RunListener): Promise<ReconciliationRun> {
    await this.runs.begin(id);
    const run = await this.runOf(id);
    const done = new Set(run.outcomes.filter(({ state }) => state === 'done').map(({ side }) => side));
    for (const side of this.sides) {
      if (!run.sides.includes(side.name) || done.has(side.name)) continue;
      await this.ask(run, side, held, tell);
    }
    const { outcomes } = await this.runOf(id);
    await this.runs.end(id, outcomes.some(({ state }) => state === 'failed') ? 'failed' : 'finished');
    return this.runOf(id);
  }

  /** A side that cannot be asked takes nothing from the others, and nothing that was found before is forgotten. */
  private async ask(run: ReconciliationRun, side: ReconciliationSide, held: Held, tell: RunListener): Promise<void> {
    const { name } = side;
    tell(name, 'begins');
    try {
      if (!(await side.isConfigured())) return await this.skip(run, name, tell);
      const { counts, balances, findings } = await side.reconcile(run.window, (progress) => tell(name, progress));
      await held();
      await this.database.transaction(async (tx) => {
        await this.discrepancies.record(tx, name, findings);
        await this.runs.write(tx, run.id, {
          ...{ side: name, state: 'done', counts, balances, found: findings.length, error: null },
        });
      });
      tell(name, `done, ${findings.length} found`);
    } catch (error) {
      await held();
      this.logger.error(
        `the side ${name} could not be reconciled: ${error instanceof Error ? error.stack : String(error)}`,
      );
      await this.runs.write(this.database, run.id, {
        ...{ side: name, state: 'failed', counts: {}, balances: [], found: 0, error: sentenceOf(error) },
      });
      tell(name, `failed: ${sentenceOf(error)}`);
    }
  }

  /** What was found when it was configured stays as it is: nobody has looked. */
  private async skip(run: ReconciliationRun, side: SideName, tell: RunListener): Promise<void> {
    await this.runs.write(this.database, run.id, {
      ...{ side, state: 'skipped', counts: {}, balances: [], found: 0, error: null },
    });
    tell(side, 'not configured');
  }

  private async runOf(id: string): Promise<ReconciliationRun> {
    const run = await this.runs.get(id);
    if (!run) throw new Error(`there is no run ${id}`);
    return run;
  }

  /** The lock is the connection's: it ends with this process, however that ends. */
  private async withLock<Result>(work: (held: Held) => Promise<Result>): Promise<Result> {
    const session = await Session.open(this.database, { statementSeconds: STATEMENT_SECONDS });
    try {
      const [row] = await session.query<{ taken: boolean }>('SELECT pg_try_advisory_lock($1, $2) AS taken', RUN_LOCK);
      if (row?.taken !== true) throw new ReconciliationRunningError();
      return await work(async () => void (await session.query('SELECT')));
    } finally {
      session.close();
    }
  }
}

/** Throws when the lock is lost, and with it the right to write anything down. */
type Held = () => Promise<void>;

const MOST_CHARACTERS = 500;

/** With what the other side itself said, where that is known. */
function sentenceOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error).slice(0, MOST_CHARACTERS);
  const cause = error.cause instanceof Error && error.cause.message !== error.message ? error.cause.message : '';
  return `${error.message || error.name}${cause === '' ? '' : ` (${cause})`}`.slice(0, MOST_CHARACTERS);
}

const ignore: RunListener = () => undefined;
