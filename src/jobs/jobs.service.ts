import { Inject, Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { CONFIG } from '../config/config.module';
import type { Config } from '../config/config';
import { DatabaseService } from '../database/database.service';

/** Work that repeats: a sweep, a reconciliation. It must be idempotent: a crash may run it again. */
export interface RecurringJob {
  readonly name: string;
  readonly everySeconds: number;
  run(): Promise<void>;
}

/**
 * Runs recurring jobs in this process. A job runs on one replica at a time: PostgreSQL's advisory lock decides,
 * and is gone with the process that held it.
 */
@Injectable()
export class JobsService implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger('Jobs');
  private readonly jobs = new Map<string, RecurringJob>();
  private readonly timers = new Map<string, NodeJS.Timeout>();
  private readonly running = new Set<Promise<void>>();
  private stopped = false;

  constructor(
    private readonly database: DatabaseService,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** Called by the module that owns the job, before bootstrap. @throws Error when the name is taken. */
  register(job: RecurringJob): void {
    if (this.jobs.has(job.name)) throw new Error(`There are two jobs named ${job.name}`);
    this.jobs.set(job.name, job);
  }

  onApplicationBootstrap(): void {
    if (this.config.jobsInProcess) for (const job of this.jobs.values()) this.schedule(job);
  }

  async onApplicationShutdown(): Promise<void> {
    this.stopped = true;
    for (const timer of this.timers.values()) clearTimeout(timer);
    await Promise.allSettled(this.running);
  }

  /** Runs a job now, unless another replica does. */
  async runNow(name: string): Promise<void> {
    const job = this.jobs.get(name);
    if (!job) throw new Error(`There is no job named ${name}`);
    await this.runAlone(job);
  }

  private schedule(job: RecurringJob): void {
    if (this.stopped) return;
    const timer = setTimeout(() => {
      const run = this.runAlone(job)
        .catch((error: unknown) => this.logger.error(`${job.name} failed: ${String(error)}`))
        .finally(() => {
          this.running.delete(run);
          this.schedule(job);
        });
      this.running.add(run);
    }, job.everySeconds * 1000);
    timer.unref();
    this.timers.set(job.name, timer);
  }

  private async runAlone(job: RecurringJob): Promise<void> {
    const client = await this.database.connect();
    let mayHoldLock = true;
    try {
      const { rows } = await client.query('SELECT pg_try_advisory_lock(hashtext($1)) AS mine', [`job:${job.name}`]);
      mayHoldLock = rows[0]?.mine === true;
      if (!mayHoldLock) return;
      try {
        await job.run();
      } finally {
        await client.query('SELECT pg_advisory_unlock(hashtext($1))', [`job:${job.name}`]);
        mayHoldLock = false;
      }
    } finally {
      // The lock belongs to the connection: given back with it, the job would never run again anywhere.
      client.release(mayHoldLock);
    }
  }
}
