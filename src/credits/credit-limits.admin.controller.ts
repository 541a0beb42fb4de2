import { Body, Controller, Param, Put, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { parseMoney } from '../common/money';
import { ApiProblems } from '../common/problem.dto';
import { AccessGuard, AdminOnly } from '../customers/access.guard';
import { CreditLimitDto, SetCreditLimitDto, toCreditLimitDto } from './credit-limits.dto';
import { CreditLimits } from './credit-limits.service';

/** Which customers pay afterwards, and how much they may owe. */
@ApiTags('credit')
@ApiBearerAuth()
@AdminOnly()
@UseGuards(AccessGuard)
@Controller('admin/customers')
export class CreditLimitsAdminController {
  constructor(private readonly limits: CreditLimits) {}

  @Put(':id/credit-limit')
  @ApiOperation({
    operationId: 'setCreditLimit',
    summary: 'How much a customer may owe before its calls are refused',
    description: 'It holds from the next call on. 409 `credit_limit_in_use` below what is used already.',
  })
  @ApiOkResponse({ type: CreditLimitDto })
  @ApiProblems(400, 401, 403, 404, 409)
  async set(@Param('id') id: string, @Body() body: SetCreditLimitDto): Promise<CreditLimitDto> {
    return toCreditLimitDto(id, await this.limits.set(id, parseMoney(body.limit, 'USD')));
  }
}
