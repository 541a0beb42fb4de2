import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsIn, IsInt, IsOptional, Matches, Max, Min } from 'class-validator';
import { JOB_STATES, type JobState } from '../jobs/job';
import type { ListedJob } from '../jobs/job-list.service';
import type { Schedule } from '../jobs/schedule-store.service';

export class JobQueryDto {
  @ApiPropertyOptional({ enum: JOB_STATES, description: 'Left out: every state.' })
  @IsOptional()
  @IsIn(JOB_STATES, { message: `state must be one of ${JOB_STATES.join(', ')}` })
  state?: JobState;

  @ApiPropertyOptional({ example: 'stripe-fee' })
  @IsOptional()
  @Matches(/^[\w-]{1,100}$/, { message: 'name must be the name of a job' })
  name?: string;

  @ApiPropertyOptional({ minimum: 1, maximum: 200, default: 50 })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(200)
  limit: number = 50;

  @ApiPropertyOptional({ description: '`next` of the page before.' })
  @IsOptional()
  @Matches(/^\d{1,18}$/, { message: 'before must be the next of the page before' })
  before?: string;
}

export class JobDto {
  @ApiProperty({ example: 'stripe-fee:pi_3Q…', description: 'Deterministic: the same work has the same id.' })
  id!: string;

  @ApiProperty({ example: 'stripe-fee' })
  name!: string;

  @ApiProperty({ type: 'object', additionalProperties: true })
  payload!: unknown;

  @ApiProperty({ enum: JOB_STATES, description: 'Dead: every attempt failed, and only a retry brings it back.' })
  state!: JobState;

  @ApiProperty({ description: 'Begun so far.' })
  attempts!: number;

  @ApiProperty({ format: 'date-time', description: 'When it is due; of a running one, when its lease ends.' })
  runAt!: string;

  @ApiProperty({ type: String, nullable: true })
  lastError!: string | null;

  @ApiProperty({ format: 'date-time' })
  createdAt!: string;

  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  finishedAt!: string | null;
}

export class JobPageDto {
  @ApiProperty({ type: [JobDto], description: 'Newest first.' })
  data!: JobDto[];

  @ApiProperty({ type: String, nullable: true, description: 'Send it as `before` for the next page; null at the end.' })
  next!: string | null;
}

export class ScheduleDto {
  @ApiProperty({ example: 'expire-holds' })
  name!: string;

  @ApiProperty({ description: 'From the end of one run to the start of the next.' })
  everySeconds!: number;

  @ApiProperty({ format: 'date-time' })
  nextRunAt!: string;

  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  lastRunAt!: string | null;

  @ApiProperty({ type: String, nullable: true, description: 'The newest error, also when it has run well since.' })
  lastError!: string | null;

  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  lastErrorAt!: string | null;

  @ApiProperty({ description: 'In a row, up to now.' })
  failures!: number;

  @ApiProperty()
  running!: boolean;
}

export class ScheduleListDto {
  @ApiProperty({ type: [ScheduleDto], description: 'By name.' })
  data!: ScheduleDto[];
}

export const toJobDto = (job: ListedJob): JobDto => ({
  id: job.id,
  name: job.name,
  payload: job.payload,
  state: job.state,
  attempts: job.attempts,
  lastError: job.lastError,
  runAt: job.runAt.toISOString(),
  createdAt: job.createdAt.toISOString(),
  finishedAt: job.finishedAt?.toISOString() ?? null,
});

export const toScheduleDto = (schedule: Schedule): ScheduleDto => ({
  ...schedule,
  nextRunAt: schedule.nextRunAt.toISOString(),
  lastRunAt: schedule.lastRunAt?.toISOString() ?? null,
  lastErrorAt: schedule.lastErrorAt?.toISOString() ?? null,
});
