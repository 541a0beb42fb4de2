import { Body, Controller, Get, Param, Post, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiProblems } from '../../common/problem.dto';
import { AccessGuard, AdminOnly } from '../../customers/access.guard';
import {
  AttributionDto,
  AttributionsDto,
  ownerIn,
  SuspendedTransfersDto,
  toAttributionDto,
  toSuspendedTransferDto,
} from './attributions.dto';
import { Attributions } from './attributions.service';

const MOST = 200;

/** USDC whose owner is not known, and saying whose it is. */
@ApiTags('admin: chain')
@ApiBearerAuth()
@AdminOnly()
@UseGuards(AccessGuard)
@Controller('admin/suspended-transfers')
export class AttributionsAdminController {
  constructor(private readonly attributions: Attributions) {}

  @Get()
  @ApiOperation({
    operationId: 'listSuspendedTransfers',
    summary: 'Transfers that wait in suspense, the oldest first',
    description: 'Nothing tells what they were for. A proof of payment takes its own out by itself.',
  })
  @ApiOkResponse({ type: SuspendedTransfersDto })
  @ApiProblems(401, 403)
  async list(): Promise<SuspendedTransfersDto> {
    return { data: (await this.attributions.suspended(MOST)).map(toSuspendedTransferDto) };
  }

  @Post(':ref/attribution')
  @ApiOperation({
    operationId: 'attributeSuspendedTransfer',
    summary: 'Say whose a transfer in suspense is',
    description:
      'A wallet gets it as its own USDC credit, an organisation as USD credit at par. Safe to repeat; 409 ' +
      '`suspense_attributed_elsewhere` when it is somebody else’s already.',
  })
  @ApiCreatedResponse({ type: AttributionDto })
  @ApiProblems(400, 401, 403, 404, 409)
  async attribute(@Param('ref') ref: string, @Body() body: AttributionsDto): Promise<AttributionDto> {
    return toAttributionDto(ref, await this.attributions.attribute(ref, ownerIn(body), body.reason));
  }
}
