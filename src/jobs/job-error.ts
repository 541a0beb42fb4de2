import { BillingError } from '../common/billing-error';
import type { JobState } from './job';

/** For handlers to throw: another attempt would change nothing. The job is dead at once. */
export class HopelessJobError extends Error {
  override readonly name = 'HopelessJobError';
}

/** Somebody else runs the job by now: what was to be written is rolled back. */
export class LostJobError extends Error {
  override readonly name = 'LostJobError';

  constructor(id: string) {
    super(`Somebody else has taken over ${id}.`);
  }
}

/** Two parts of the product chose the same name: the process does not start. */
export class DuplicateJobError extends Error {
  override readonly name = 'DuplicateJobError';
  readonly code = 'duplicate_job';

  constructor(name: string) {
    super(`There are two jobs named ${name}. Rename one of them.`);
  }
}

/** A name that nobody has registered. */
export class UnknownJobError extends Error {
  override readonly name = 'UnknownJobError';
  readonly code = 'unknown_job';

  constructor(name: string) {
    super(`There is no job named ${name}: nobody registered it.`);
  }
}

/** Work is left that this build cannot do: the process does not start. */
export class OrphanJobsError extends Error {
  override readonly name = 'OrphanJobsError';
  readonly code = 'orphan_jobs';
  readonly hint: string;

  constructor(readonly orphans: readonly { readonly name: string; readonly count: number }[]) {
    const named = orphans.map(({ name, count }) => `${name} (${count} unfinished)`).join(', ');
    const hint =
      'Run the version that has it until they are done, or give them up: tollbridge jobs discard --name ' +
      `${orphans[0]?.name}`;
    super(`There are jobs that nothing here can run: ${named}. ${hint}`);
    this.hint = hint;
  }
}

/** Only what is dead can be brought back: 409. */
export class JobNotDeadError extends BillingError {
  constructor(id: string, state: JobState) {
    super({
      code: 'job_not_dead',
      status: 409,
      title: 'Nothing to retry',
      detail: `Job "${id}" is ${state}.`,
      hint: state === 'done' ? 'Its work is done.' : 'It runs by itself. Only a dead job is retried.',
      members: { state },
    });
  }
}

/** This build cannot run the job: 409. */
export class JobHandlerMissingError extends BillingError {
  constructor(id: string, name: string) {
    super({
      code: 'job_handler_missing',
      status: 409,
      title: 'Nothing can run it',
      detail: `Job "${id}" is a ${name}, which this version does not know.`,
      hint: 'Retry it with the version that has it.',
    });
  }
}
