import { Controller, Get, HttpCode, Param, Post, Query, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { AccessGuard, AdminOnly } from '../../customers/access.guard';
import { ACCESS_PROBLEMS, ApiRefusals } from '../refusals.dto';
import { ListDisputesDto } from './disputes.dto';
import { FraudWarningStore } from './fraud-warning-store.service';
import { FraudWarningDto, FraudWarningListDto, toFraudWarningDto } from './fraud-warnings.dto';
import { WarningDismissal } from './warning-dismissal.service';

/** What banks take for fraud, and the operator's judgement of it. */
@ApiTags('admin: disputes')
@ApiBearerAuth()
@AdminOnly()
@UseGuards(AccessGuard)
@Controller('admin/fraud-warnings')
export class FraudWarningsAdminController {
  constructor(
    private readonly dismissal: WarningDismissal,
    private readonly store: FraudWarningStore,
  ) {}

  @Get()
  @ApiOperation({ operationId: 'listFraudWarnings', summary: 'Early fraud warnings, newest first' })
  @ApiOkResponse({ type: FraudWarningListDto })
  @ApiRefusals(...ACCESS_PROBLEMS)
  async list(@Query() { customerId, limit }: ListDisputesDto): Promise<FraudWarningListDto> {
    return { data: (await this.store.list(customerId, limit)).map(toFraudWarningDto) };
  }

  @Post(':id/dismiss')
  @HttpCode(200)
  @ApiOperation({
    operationId: 'dismissFraudWarning',
    summary: 'Let the credit of a payment be used again that its bank takes for fraud',
    description: 'A dispute of the payment freezes it all the same. Safe to repeat.',
  })
  @ApiOkResponse({ type: FraudWarningDto })
  @ApiRefusals(...ACCESS_PROBLEMS, {
    status: 404,
    code: 'fraud_warning_not_found',
    detail: 'There is no such warning.',
  })
  async dismiss(@Param('id') id: string): Promise<FraudWarningDto> {
    return toFraudWarningDto(await this.dismissal.dismiss(id));
  }
}
