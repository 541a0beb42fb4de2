import { Controller, Get, Header, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiProblems } from '../../common/problem.dto';
import { AccessGuard, AdminOnly } from '../../customers/access.guard';
import { IMPLEMENTATION } from '../../evm/secp256k1';
import { ChainStatus } from '../chain-status.service';
import { ChainStatusDto, toNetworkStatusDto } from './chain.dto';

/** The operator's view of the chains, as the process that answers sees them. */
@ApiTags('admin: chain')
@ApiBearerAuth()
@AdminOnly()
@UseGuards(AccessGuard)
@Controller('admin/chain')
export class ChainAdminController {
  constructor(private readonly chains: ChainStatus) {}

  @Get()
  @Header('cache-control', 'no-store')
  @ApiOperation({
    summary: 'Each network: whether it answers, its nodes, our wallets and their gas money, alarms',
    operationId: 'getChainStatus',
  })
  @ApiOkResponse({ type: ChainStatusDto })
  @ApiProblems(401, 403)
  async status(): Promise<ChainStatusDto> {
    return { secp256k1: IMPLEMENTATION, networks: (await this.chains.all()).map(toNetworkStatusDto) };
  }
}
