import { Body, Controller, Get, HttpCode, Param, Post, Query, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiProblems } from '../common/problem.dto';
import { AccessGuard, AdminOnly } from '../customers/access.guard';
import {
  DiscrepancyDto,
  DiscrepancyListDto,
  DiscrepancyQueryDto,
  ResolveDiscrepancyDto,
  toDiscrepancyDto,
} from './discrepancies.dto';
import { DiscrepancyStore } from './discrepancy-store.service';
import { ResolutionUnclearError } from './reconciliation-error';
import { Resolutions } from './resolutions.service';

/** What does not match, and how a person settles it. */
@ApiTags('admin: reconciliation')
@ApiBearerAuth()
@AdminOnly()
@UseGuards(AccessGuard)
@Controller('admin/discrepancies')
export class DiscrepanciesAdminController {
  constructor(
    private readonly store: DiscrepancyStore,
    private readonly resolutions: Resolutions,
  ) {}

  @Get()
  @ApiOperation({ summary: 'What did not match, as it was first found', operationId: 'listDiscrepancies' })
  @ApiOkResponse({ type: DiscrepancyListDto })
  @ApiProblems(400, 401, 403)
  async list(@Query() { limit, ...filter }: DiscrepancyQueryDto): Promise<DiscrepancyListDto> {
    const found = await this.store.list(filter, limit);
    const next = found.length < limit ? null : (found.at(-1)?.id ?? null);
    return { data: found.map((one) => toDiscrepancyDto(one, new Date())), next };
  }

  @Post(':id/resolve')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Settles a discrepancy by an entry, or waives it, with a reason',
    description:
      'The entry moves the amount of the discrepancy between two accounts of the house. Where the other side has more, ' +
      '`from` is the account that is kept there (stripe:clearing); where it has less, `to` is. Safe to repeat.',
    operationId: 'resolveDiscrepancy',
  })
  @ApiOkResponse({ type: DiscrepancyDto })
  @ApiProblems(400, 401, 403, 404, 409)
  async resolve(@Param('id') id: string, @Body() body: ResolveDiscrepancyDto): Promise<DiscrepancyDto> {
    const { reason, by, entry, waive } = body;
    if ((entry === undefined) !== (waive === true)) throw new ResolutionUnclearError();
    return toDiscrepancyDto(await this.resolutions.resolve(id, { reason, by, entry }), new Date());
  }
}
