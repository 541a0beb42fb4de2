import { JOB_STATES, type JobState } from '../jobs/job';
import { JobListService, type ListedJob } from '../jobs/job-list.service';
import { withApplication } from './application-context';
import { type Command, type Given, UsageError } from './command';
import { JSON_OPTION, printJson, printLine, printRows } from './output';

const MOST_ERROR_CHARACTERS = 80;

/** `tollbridge jobs list` */
export const listJobs: Command = {
  options: {
    state: { value: 'STATE', about: `One of ${JOB_STATES.join(', ')}; every state when left out` },
    name: { value: 'NAME', about: 'Only jobs of this name' },
    limit: { value: 'N', about: 'At most so many; 100 when left out' },
    before: { value: 'N', about: 'The last number of the page before' },
    json: JSON_OPTION,
  },
  notes: ['With --json errors and payloads are whole. A dead job runs again with tollbridge jobs retry.'],
  run: async (given) => {
    const limit = given.integer('limit', 1, 1000) ?? 100;
    const before = given.integer('before', 1, Number.MAX_SAFE_INTEGER);
    const cursor = before === undefined ? undefined : BigInt(before);
    const filter = { state: stateIn(given), name: given.text('name'), before: cursor };
    await withApplication(async (app) => printJobs(given, await app.get(JobListService).list(filter, limit)));
  },
};

/** `tollbridge jobs schedules` */
export const listSchedules: Command = {
  options: { json: JSON_OPTION },
  run: (given) =>
    withApplication(async (app) => {
      const schedules = await app.get(JobListService).schedules();
      const rows = schedules.map((one) => [
        ...[one.name, `${one.everySeconds} s`, one.running ? 'running' : one.nextRunAt, one.lastRunAt, one.failures],
        ...[one.lastErrorAt, shortened(one.lastError)],
      ]);
      const head = ['NAME', 'EVERY', 'NEXT', 'LAST', 'FAILED IN A ROW', 'LAST FAILED', 'WITH'];
      printRows(given, head, rows, schedules);
    }),
};

/** `tollbridge jobs retry` */
export const retryJobs: Command = {
  positionals: ['id?'],
  options: { all: { about: 'Every dead job that this version knows' }, json: JSON_OPTION },
  run: async (given) => {
    const [id, all] = [given.optionalArgument('id'), given.flag('all')];
    if ((id === undefined) !== all) throw new UsageError('jobs retry needs an <id>, or --all and none.');
    await withApplication(async (app) => {
      const jobs = app.get(JobListService);
      report(given, id === undefined ? await jobs.retryAll() : [await jobs.retry(id)], 'will run again');
    });
  },
};

/** `tollbridge jobs discard` */
export const discardJobs: Command = {
  options: { name: { value: 'NAME', about: 'Every waiting job of this name', required: true }, json: JSON_OPTION },
  notes: ['They become dead: nothing is lost, and tollbridge jobs retry brings them back.'],
  run: (given) =>
    withApplication(async (app) =>
      report(given, await app.get(JobListService).discard(given.required('name')), 'is given up'),
    ),
};

function stateIn(given: Given): JobState | undefined {
  const state = given.text('state');
  if (state === undefined || JOB_STATES.includes(state as JobState)) return state as JobState | undefined;
  throw new UsageError(`--state knows ${JOB_STATES.join(', ')}, not "${state}".`);
}

function printJobs(given: Given, jobs: readonly ListedJob[]): void {
  const rows = jobs.map((job) => [
    ...[job.seq, job.id, job.state, job.attempts, job.finishedAt === null ? job.runAt : null, job.createdAt],
    shortened(job.lastError),
  ]);
  printRows(given, ['N', 'ID', 'STATE', 'ATTEMPTS', 'DUE', 'CREATED', 'LAST ERROR'], rows, jobs);
}

function report(given: Given, jobs: readonly ListedJob[], what: string): void {
  if (given.flag('json')) printJson(jobs);
  else if (jobs.length === 0) printLine('There is none.');
  else for (const { id } of jobs) printLine(`${id} ${what}.`);
}

function shortened(error: string | null): string | null {
  const line = error?.split('\n')[0] ?? null;
  return line !== null && line.length > MOST_ERROR_CHARACTERS ? `${line.slice(0, MOST_ERROR_CHARACTERS)}…` : line;
}
