import { Controller, Get, HttpCode, Param, Post, Query, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiProblems } from '../common/problem.dto';
import { AccessGuard, AdminOnly } from '../customers/access.guard';
import { JobListService } from '../jobs/job-list.service';
import { JobDto, JobPageDto, JobQueryDto, ScheduleListDto, toJobDto, toScheduleDto } from './jobs.dto';

/** The operator's view of what is to be done. It is here because jobs stand below the customers' guard. */
@ApiTags('admin: jobs')
@ApiBearerAuth()
@AdminOnly()
@UseGuards(AccessGuard)
@Controller('admin/jobs')
export class JobsAdminController {
  constructor(private readonly jobs: JobListService) {}

  @Get()
  @ApiOperation({ summary: 'Jobs with their last error, newest first', operationId: 'listJobs' })
  @ApiOkResponse({ type: JobPageDto })
  @ApiProblems(400, 401, 403)
  async list(@Query() { limit, before, ...filter }: JobQueryDto): Promise<JobPageDto> {
    const cursor = before === undefined ? undefined : BigInt(before);
    const jobs = await this.jobs.list({ ...filter, before: cursor }, limit);
    const next = jobs.length < limit ? null : (jobs.at(-1)?.seq.toString() ?? null);
    return { data: jobs.map(toJobDto), next };
  }

  @Get('schedules')
  @ApiOperation({ summary: 'What repeats: when it ran, when it runs, how it went', operationId: 'listSchedules' })
  @ApiOkResponse({ type: ScheduleListDto })
  @ApiProblems(401, 403)
  async schedules(): Promise<ScheduleListDto> {
    return { data: (await this.jobs.schedules()).map(toScheduleDto) };
  }

  @Post(':id/retry')
  @HttpCode(200)
  @ApiOperation({ summary: 'Lets a dead job run again, with all its attempts', operationId: 'retryJob' })
  @ApiOkResponse({ type: JobDto })
  @ApiProblems(401, 403, 404, 409)
  async retry(@Param('id') id: string): Promise<JobDto> {
    return toJobDto(await this.jobs.retry(id));
  }
}
