import {
  type BeforeApplicationShutdown,
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnModuleInit,
} from '@nestjs/common';
import { CONFIG } from '../config/config.module';
import type { Config } from '../config/config';
import type { Tx } from '../database/tx';
import type { JobHandler, NewJob, RecurringJob } from './job';
import { JOB_CARRIER, type JobCarrier } from './job-carrier';
import { OrphanJobsError } from './job-error';
import { JobRegistry } from './job-registry';
import { JobRunner } from './job-runner.service';
import { JobStore } from './job-store.service';
import { SchedulesService } from './schedules.service';

const AN_HOUR_SECONDS = 3600;
/** PostgreSQL: the table is not there. */
const UNDEFINED_TABLE = '42P01';

/** What the rest of the product knows of jobs: what repeats, who does what, and that something is to be done. */
@Injectable()
export class JobsService implements OnModuleInit, OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('Jobs');
  private started = false;
  private stopping: Promise<void> | undefined;

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly registry: JobRegistry,
    private readonly store: JobStore,
    private readonly runner: JobRunner,
    private readonly schedules: SchedulesService,
    @Inject(JOB_CARRIER) private readonly carrier: JobCarrier,
  ) {}

  /** Work that repeats. Called in `onModuleInit` of whoever does it. @throws DuplicateJobError */
  register(job: RecurringJob): void {
    this.registry.addRecurring(job);
  }

  /** Who does the jobs of one name. Called in `onModuleInit`, whatever the configuration. @throws DuplicateJobError */
  handle<Payload>(handler: JobHandler<Payload>): void {
    this.registry.addHandler(handler);
  }

  /**
   * Writes down that something is to be done, in the transaction that makes it necessary: with its commit the job
   * exists, with its rollback it never did. A job that is there already, under the same id, stays as it is.
   * @throws UnknownJobError when nobody handles it
   */
  async enqueue(tx: Tx, job: NewJob): Promise<void> {
    this.registry.handler(job.name);
    await this.store.insert(tx, job);
  }

  /**
   * A job that failed and waits for its next try runs at once, with all its tries, when `tx` commits. Nothing happens to
   * one that runs, is finished, or is not there.
   */
  async hasten(tx: Tx, jobId: string): Promise<void> {
    await this.store.hasten(tx, jobId);
  }

  /** Runs what repeats now, unless it runs somewhere. @throws UnknownJobError, and whatever the job throws */
  async runNow(name: string): Promise<void> {
    await this.schedules.runNow(name);
  }

  onModuleInit(): void {
    const run = async () => {
      await this.store.prune();
      await this.schedules.prune();
    };
    this.register({ name: 'prune-jobs', everySeconds: AN_HOUR_SECONDS, run });
  }

  /** @throws OrphanJobsError when there is work that nothing here can do. */
  async onApplicationBootstrap(): Promise<void> {
    if (!this.config.jobs.inProcess) return;
    await this.refuseOrphans();
    this.started = true;
    this.schedules.start();
    this.carrier.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.stop();
  }

  /**
   * Takes nothing more, lets what runs finish within the grace of a shutdown, and gives the rest back. Safe to repeat;
   * called as soon as the process is asked to end, because its calls finish in the same time.
   */
  async stop(): Promise<void> {
    if (this.started) await (this.stopping ??= this.windDown(this.config.http.shutdownGraceMs));
  }

  private async windDown(graceMs: number): Promise<void> {
    await this.carrier.pause();
    await Promise.all([this.runner.stop(graceMs), this.schedules.stop(graceMs)]);
    await this.carrier.close();
  }

  private async refuseOrphans(): Promise<void> {
    try {
      const orphans = await this.store.orphans(this.registry.handlerNames);
      if (orphans.length > 0) throw new OrphanJobsError(orphans);
    } catch (error) {
      if ((error as { code?: unknown }).code !== UNDEFINED_TABLE) throw error;
      this.logger.warn('There is no table of jobs yet: they wait for tollbridge migrate');
    }
  }
}
