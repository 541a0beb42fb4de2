import { Injectable, type OnModuleInit } from '@nestjs/common';
import { InvalidRequestError } from '../common/billing-error';
import { parseInstant } from '../common/period';
import type { ReconciliationWindow, SideName } from '../common/reconciliation-side';
import { DatabaseService } from '../database/database.service';
import { JobsService } from '../jobs/jobs.service';
import { Reconcile } from './reconcile.service';
import { ReconciliationRunningError } from './reconciliation-error';
import { type ReconciliationRun, SIDE_NAMES, usualWindow } from './reconciliation-run';
import { ReconciliationRuns, type RunRequest } from './reconciliation-runs.service';

/** What somebody asks for, as they write it: days or instants in UTC. */
export interface RunWish {
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly sides?: readonly SideName[] | undefined;
}

const RECONCILE = 'reconcile';

/** Runs that somebody asks for: as a job, because they take longer than anybody waits for an answer. */
@Injectable()
export class ReconciliationRequests implements OnModuleInit {
  constructor(
    private readonly database: DatabaseService,
    private readonly jobs: JobsService,
    private readonly runs: ReconciliationRuns,
    private readonly reconcile: Reconcile,
  ) {}

  onModuleInit(): void {
    this.jobs.handle<{ runId: string }>({
      name: RECONCILE,
      run: async ({ payload }) => void (await this.reconcile.resume(payload.runId)),
    });
  }

  /** @throws ReconciliationRunningError; InvalidRequestError `invalid_instant`, `empty_period` */
  async ask(wish: RunWish): Promise<ReconciliationRun> {
    const request = await this.requestOf(wish);
    const [newest] = await this.runs.list(1);
    if (newest?.state === 'running') throw new ReconciliationRunningError();
    const id = await this.database.transaction(async (tx) => {
      const made = await this.runs.make(tx, request);
      await this.jobs.enqueue(tx, { id: `${RECONCILE}:${made}`, name: RECONCILE, payload: { runId: made } });
      return made;
    });
    return (await this.runs.get(id)) as ReconciliationRun;
  }

  /** What is left out is as usual; an end that is yet to come is now. @throws InvalidRequestError `invalid_instant`, `empty_period` */
  async requestOf({ from, to, sides = SIDE_NAMES }: RunWish): Promise<RunRequest> {
    const now = new Date();
    const until = to === undefined ? now : earlier(now, parseInstant(to, 'to'));
    const usual = usualWindow(until, await this.runs.reconciledUntil());
    return { sides, window: notEmpty({ from: from === undefined ? usual.from : parseInstant(from, 'from'), until }) };
  }
}

const earlier = (one: Date, other: Date): Date => (one < other ? one : other);

function notEmpty(window: ReconciliationWindow): ReconciliationWindow {
  if (window.from < window.until) return window;
  throw new InvalidRequestError({
    code: 'empty_period',
    detail: `There is nothing between ${window.from.toISOString()} and ${window.until.toISOString()}.`,
    hint: '"from" is inclusive, "to" is exclusive and must be later.',
  });
}
