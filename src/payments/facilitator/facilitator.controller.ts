import { Body, Controller, Get, Header, HttpCode, Post, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiProblems } from '../../common/problem.dto';
import { FacilitatorRequestDto } from '../authority/authority.dto';
import type { ResourceServer } from '../authority/resource-server';
import { CurrentServer, ResourceServerGuard } from '../authority/resource-server.guard';
import { FacilitatorService } from './facilitator.service';

/** x402's facilitator routes, for registered resource servers. */
@ApiTags('facilitator')
@Controller('facilitator')
export class FacilitatorController {
  constructor(private readonly facilitator: FacilitatorService) {}

  @Get('supported')
  @ApiOperation({ summary: 'What this facilitator settles, and who sends it', operationId: 'getFacilitatorSupported' })
  @ApiOkResponse({ description: 'x402 `SupportedResponse`.' })
  supported() {
    return this.facilitator.supported();
  }

  @Post('verify')
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  @ApiBearerAuth()
  @UseGuards(ResourceServerGuard)
  @ApiOperation({ summary: 'Whether a payment would settle now', operationId: 'verifyPayment' })
  @ApiOkResponse({ description: 'x402 `VerifyResponse`.' })
  @ApiProblems(400, 401, 403, 503)
  verify(@CurrentServer() server: ResourceServer, @Body() body: FacilitatorRequestDto) {
    return this.facilitator.verify(server, body);
  }

  @Post('settle')
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  @ApiBearerAuth()
  @UseGuards(ResourceServerGuard)
  @ApiOperation({ summary: 'Settle a payment, once however often it is asked for', operationId: 'settlePayment' })
  @ApiOkResponse({ description: 'x402 `SettleResponse`.' })
  @ApiProblems(400, 401, 403, 409, 503)
  settle(@CurrentServer() server: ResourceServer, @Body() body: FacilitatorRequestDto) {
    return this.facilitator.settle(server, body);
  }
}
