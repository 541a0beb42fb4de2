import { Controller, Get, Query, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiProblems } from '../../common/problem.dto';
import { AccessGuard, AdminOnly } from '../../customers/access.guard';
import { ChannelClaims } from './channel-claims.service';
import { OwingChannelListDto, OwingChannelQueryDto, toOwingChannel } from './channels.dto';

/** The operator's view of what channels owe. */
@ApiTags('admin: channels')
@ApiBearerAuth()
@AdminOnly()
@UseGuards(AccessGuard)
@Controller('admin/channels')
export class ChannelsAdminController {
  constructor(private readonly claims: ChannelClaims) {}

  @Get()
  @ApiOperation({
    summary: 'Channels with something to claim: those that cannot be claimed first, then by value',
    operationId: 'listOwingChannels',
  })
  @ApiOkResponse({ type: OwingChannelListDto })
  @ApiProblems(400, 401, 403)
  async list(@Query() { limit }: OwingChannelQueryDto): Promise<OwingChannelListDto> {
    return { data: (await this.claims.owing(limit)).map(toOwingChannel) };
  }
}
