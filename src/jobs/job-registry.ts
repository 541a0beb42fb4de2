import type { JobHandler, RecurringJob } from './job';
import { DuplicateJobError, UnknownJobError } from './job-error';

/** Everything that this build can do: what repeats, and the handlers of what is enqueued. */
export class JobRegistry {
  private readonly recurring = new Map<string, RecurringJob>();
  private readonly handlers = new Map<string, JobHandler>();

  /** @throws DuplicateJobError */
  addRecurring(job: RecurringJob): void {
    if (this.recurring.has(job.name)) throw new DuplicateJobError(job.name);
    this.recurring.set(job.name, job);
  }

  /** @throws DuplicateJobError */
  addHandler(handler: JobHandler): void {
    if (this.handlers.has(handler.name)) throw new DuplicateJobError(handler.name);
    this.handlers.set(handler.name, handler);
  }

  /** @throws UnknownJobError */
  recurringJob(name: string): RecurringJob {
    const job = this.recurring.get(name);
    if (!job) throw new UnknownJobError(name);
    return job;
  }

  /** @throws UnknownJobError */
  handler(name: string): JobHandler {
    const handler = this.handlers.get(name);
    if (!handler) throw new UnknownJobError(name);
    return handler;
  }

  get recurringJobs(): readonly RecurringJob[] {
    return [...this.recurring.values()];
  }

  get handlerNames(): readonly string[] {
    return [...this.handlers.keys()];
  }
}
