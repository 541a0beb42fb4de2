import { Body, Controller, Get, Headers, HttpCode, Param, Post, Query, Res, UseGuards } from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiBearerAuth,
  ApiCreatedResponse,
  ApiExtraModels,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
  getSchemaPath,
} from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { preferredType } from '../common/accepted-type';
import { NotFoundError } from '../common/billing-error';
import { PAGE_HEADERS } from '../common/page';
import { ApiProblems } from '../common/problem.dto';
import { AccessGuard, AdminOnly } from '../customers/access.guard';
import { ReportAddresses } from './report-addresses.service';
import { NewRunDto, PageLinkDto, ReportQueryDto, RunDto, RunListDto, RunListQueryDto } from './reconciliation.dto';
import { ReconciliationReport } from './reconciliation-report.service';
import { ReconciliationRequests } from './reconciliation-requests.service';
import { ReconciliationRuns } from './reconciliation-runs.service';
import { ReportDto, toReportDto, toRunDto } from './report.dto';
import { encodeReport } from './report-csv';
import { renderReportPage } from './report-page';

const TYPES = { json: 'application/json', csv: 'text/csv', html: 'text/html' } as const;

/** The books against everybody else who counts our money. */
@ApiTags('admin: reconciliation')
@ApiBearerAuth()
@AdminOnly()
@UseGuards(AccessGuard)
@ApiExtraModels(ReportDto)
@Controller('admin/reconciliation')
export class ReconciliationAdminController {
  constructor(
    private readonly reports: ReconciliationReport,
    private readonly requests: ReconciliationRequests,
    private readonly runs: ReconciliationRuns,
    private readonly addresses: ReportAddresses,
  ) {}

  @Get()
  @ApiOperation({
    summary: 'Balances, what does not match, and what is left unexplained: zero',
    description: 'From the newest runs. As JSON, CSV (Accept: text/csv) or a page (Accept: text/html), or by `format`.',
    operationId: 'reconciliationReport',
  })
  @ApiOkResponse({
    description: 'The report',
    content: {
      'application/json': { schema: { $ref: getSchemaPath(ReportDto) } },
      'text/csv': { schema: { type: 'string' } },
      'text/html': { schema: { type: 'string' } },
    },
  })
  @ApiProblems(400, 401, 403)
  async report(
    @Query() { side, format }: ReportQueryDto,
    @Headers('accept') accept: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ReportDto | string> {
    const report = await this.reports.of(side === undefined ? undefined : [side]);
    const type = format === undefined ? preferredType(accept, [TYPES.json, TYPES.html, TYPES.csv]) : TYPES[format];
    void reply.headers({ 'cache-control': 'private, no-store', vary: 'accept' });
    if (type === TYPES.html) {
      void reply.headers(PAGE_HEADERS).type('text/html; charset=utf-8');
      return renderReportPage(report);
    }
    if (type === TYPES.json) return toReportDto(report);
    const name = `tollbridge-reconciliation-${report.takenAt.toISOString().slice(0, 10)}.csv`;
    void reply
      .headers({ 'content-disposition': `attachment; filename="${name}"`, 'x-content-type-options': 'nosniff' })
      .type('text/csv; charset=utf-8; header=present');
    return encodeReport(report);
  }

  @Post('page-links')
  @ApiOperation({
    summary: 'A link to the report as a page, for 15 minutes',
    description: 'Whoever has it can read the report, and nothing else: a browser cannot send the token.',
    operationId: 'createReconciliationPageLink',
  })
  @ApiCreatedResponse({ type: PageLinkDto })
  @ApiProblems(401, 403)
  link(): PageLinkDto {
    const { url, expiresAt } = this.addresses.issue();
    return { url, expiresAt: expiresAt.toISOString() };
  }

  @Post('runs')
  @HttpCode(202)
  @ApiOperation({
    summary: 'Compares the books now, as a job',
    description: 'One at a time. GET /admin/reconciliation/runs/{id} shows how far it is.',
    operationId: 'startReconciliation',
  })
  @ApiAcceptedResponse({ type: RunDto })
  @ApiProblems(400, 401, 403, 409)
  async start(@Body() body: NewRunDto): Promise<RunDto> {
    return toRunDto(await this.requests.ask(body));
  }

  @Get('runs')
  @ApiOperation({ summary: 'When the books were compared, and how it went', operationId: 'listReconciliations' })
  @ApiOkResponse({ type: RunListDto })
  @ApiProblems(400, 401, 403)
  async list(@Query() { limit, before }: RunListQueryDto): Promise<RunListDto> {
    const found = await this.runs.list(limit, before);
    return { data: found.map(toRunDto), next: found.length < limit ? null : (found.at(-1)?.id ?? null) };
  }

  @Get('runs/:id')
  @ApiOperation({ summary: 'One comparison, side by side', operationId: 'getReconciliation' })
  @ApiOkResponse({ type: RunDto })
  @ApiProblems(401, 403, 404)
  async get(@Param('id') id: string): Promise<RunDto> {
    const run = await this.runs.get(id);
    if (!run) throw new NotFoundError({ what: 'reconciliation', id });
    return toRunDto(run);
  }
}
