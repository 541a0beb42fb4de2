import { Controller, Get, Param, Res, UseFilters } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { PAGE_HEADERS } from '../common/page';
import { ReconciliationReport } from './reconciliation-report.service';
import { ReportAddresses } from './report-addresses.service';
import { renderReportPage } from './report-page';
import { ReportPageFilter } from './report-page.filter';

/** The report, for whoever was given its address. */
@ApiExcludeController()
@UseFilters(ReportPageFilter)
@Controller('reconciliation')
export class ReportPageController {
  constructor(
    private readonly addresses: ReportAddresses,
    private readonly reports: ReconciliationReport,
  ) {}

  @Get(':token')
  async show(@Param('token') token: string, @Res({ passthrough: true }) reply: FastifyReply): Promise<string> {
    const expiresAt = this.addresses.open(token);
    const report = await this.reports.of();
    void reply.headers({ ...PAGE_HEADERS, 'cache-control': 'private, no-store' }).type('text/html; charset=utf-8');
    return renderReportPage(report, expiresAt);
  }
}
