import { Global, Module } from '@nestjs/common';
import { CONFIG } from '../config/config.module';
import type { Config } from '../config/config';
import { BullCarrier } from './bull-carrier.service';
import { BullClient } from './bull.client';
import { InProcessCarrier } from './in-process-carrier.service';
import { JOB_CARRIER, type JobCarrier } from './job-carrier';
import { JobListService } from './job-list.service';
import { JobRegistry } from './job-registry';
import { JobRunner } from './job-runner.service';
import { JobSignal } from './job-signal.service';
import { JobStore } from './job-store.service';
import { JobsService } from './jobs.service';
import { ScheduleStore } from './schedule-store.service';
import { SchedulesService } from './schedules.service';

/** Redis when it is configured; the in-process runner when not. */
const carrier = {
  provide: JOB_CARRIER,
  inject: [CONFIG, JobStore, JobRunner, JobRegistry, JobSignal],
  useFactory: (
    { jobs: { redisUrl, concurrency } }: Config,
    store: JobStore,
    runner: JobRunner,
    registry: JobRegistry,
    signal: JobSignal,
  ): JobCarrier =>
    redisUrl === undefined
      ? new InProcessCarrier(store, runner, signal, concurrency)
      : new BullCarrier({ store, runner, registry, signal, concurrency, redis: new BullClient(redisUrl, concurrency) }),
};

@Global()
@Module({
  providers: [
    carrier,
    JobListService,
    JobRegistry,
    JobRunner,
    JobSignal,
    JobStore,
    JobsService,
    ScheduleStore,
    SchedulesService,
  ],
  exports: [JobsService, JobListService],
})
export class JobsModule {}
