import { Controller, Get, Query, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { AccessGuard, AdminOnly } from '../../customers/access.guard';
import { ACCESS_PROBLEMS, ApiRefusals } from '../refusals.dto';
import { DisputeStore } from './dispute-store.service';
import { DisputeListDto, ListDisputesDto, toDisputeDto } from './disputes.dto';

/** What banks have taken back, or doubt. */
@ApiTags('admin: disputes')
@ApiBearerAuth()
@AdminOnly()
@UseGuards(AccessGuard)
@Controller('admin/disputes')
export class DisputesAdminController {
  constructor(private readonly store: DisputeStore) {}

  @Get()
  @ApiOperation({ operationId: 'listDisputes', summary: 'The newest disputes, and what each took from its customer' })
  @ApiOkResponse({ type: DisputeListDto })
  @ApiRefusals(...ACCESS_PROBLEMS)
  async list(@Query() { customerId, limit }: ListDisputesDto): Promise<DisputeListDto> {
    return { data: (await this.store.list(customerId, limit)).map(toDisputeDto) };
  }
}
