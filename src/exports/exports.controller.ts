import { Controller, Get, Query, Res, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { parsePeriod } from '../common/period';
import { ApiProblems } from '../common/problem.dto';
import { type Caller, visibleCustomer } from '../customers/access';
import { AccessGuard, CurrentCaller } from '../customers/access.guard';
import { ExportsService } from './exports.service';
import { fileName, type Manifest } from './manifest';
import type { UsageQuery } from './usage-export.client';
import { UsageExportQueryDto, UsageManifestDto } from './usage-export.dto';

/** Every call as a row, for finance. */
@ApiTags('exports')
@ApiBearerAuth()
@UseGuards(AccessGuard)
@Controller('v1/exports')
export class ExportsController {
  constructor(private readonly exports: ExportsService) {}

  @Get('usage.csv')
  @ApiOperation({ summary: 'Usage as CSV (RFC 4180), one row per call', operationId: 'exportUsage' })
  @ApiOkResponse({ description: 'Oldest first', content: { 'text/csv': { schema: { type: 'string' } } } })
  @ApiProblems(400, 401, 403, 503)
  async csv(
    @CurrentCaller() caller: Caller,
    @Query() given: UsageExportQueryDto,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const query = readQuery(caller, given);
    const usage = await this.exports.usage(query);
    // Fastify destroys the stream when the reader goes away, and that closes the cursor.
    void reply
      .headers({
        'cache-control': 'private, no-store',
        'content-disposition': `attachment; filename="${fileName(query.period, query.customerId, 'csv')}"`,
        'x-content-type-options': 'nosniff',
      })
      .type('text/csv; charset=utf-8; header=present')
      .send(usage.stream());
  }

  @Get('usage.manifest.json')
  @ApiOperation({ summary: 'What the CSV of the same query is: rows, totals, SHA-256', operationId: 'describeUsage' })
  @ApiOkResponse({ type: UsageManifestDto })
  @ApiProblems(400, 401, 403, 503)
  async manifest(
    @CurrentCaller() caller: Caller,
    @Query() given: UsageExportQueryDto,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Manifest> {
    const usage = await this.exports.usage(readQuery(caller, given));
    try {
      void reply.header('cache-control', 'private, no-store');
      return await usage.manifest(new Date());
    } finally {
      await usage.close();
    }
  }
}

function readQuery(caller: Caller, given: UsageExportQueryDto): UsageQuery {
  return {
    period: parsePeriod(given, new Date()),
    customerId: visibleCustomer(caller, given.customerId),
    bom: given.bom === 'true',
  };
}
