import { Controller, Get, Header, Query, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { parsePeriod } from '../common/period';
import { ApiProblems } from '../common/problem.dto';
import { AccessGuard, AdminOnly } from '../customers/access.guard';
import { rollForwardCsv } from './roll-forward';
import { PeriodQueryDto, RollForwardDto, toRollForwardDto } from './roll-forward.dto';
import { RollForwardService } from './roll-forward.service';

/** The liability for prepaid credit, for finance. */
@ApiTags('admin: credit')
@ApiBearerAuth()
@AdminOnly()
@UseGuards(AccessGuard)
@Controller('admin/credits')
export class RollForwardAdminController {
  constructor(private readonly rollForward: RollForwardService) {}

  @Get('roll-forward')
  @ApiOperation({
    operationId: 'rollForwardCredit',
    summary: 'What became of all prepaid credit in a period, paid and promotional',
    description: 'By posting date. The closing of a period is the opening of the next, and the sum of the accounts.',
  })
  @ApiOkResponse({ type: RollForwardDto })
  @ApiProblems(400, 401, 403)
  async show(@Query() query: PeriodQueryDto): Promise<RollForwardDto> {
    return toRollForwardDto(await this.rollForward.of(parsePeriod(query, new Date())));
  }

  @Get('roll-forward.csv')
  @Header('content-type', 'text/csv; charset=utf-8; header=present')
  @Header('content-disposition', 'attachment; filename="credit-roll-forward.csv"')
  @Header('cache-control', 'private, no-store')
  @ApiOperation({ operationId: 'rollForwardCreditCsv', summary: 'The same as CSV (RFC 4180)' })
  @ApiOkResponse({ content: { 'text/csv': { schema: { type: 'string' } } } })
  @ApiProblems(400, 401, 403)
  async csv(@Query() query: PeriodQueryDto): Promise<string> {
    return rollForwardCsv(await this.rollForward.of(parsePeriod(query, new Date())));
  }
}
