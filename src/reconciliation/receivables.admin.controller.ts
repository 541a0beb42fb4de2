import { Body, Controller, Headers, Param, Post, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiCreatedResponse, ApiHeader, ApiOperation, ApiTags } from '@nestjs/swagger';
import { requestKeyOf } from '../common/idempotency-key';
import { parseMoney } from '../common/money';
import { ApiProblems } from '../common/problem.dto';
import { AccessGuard, AdminOnly } from '../customers/access.guard';
import { WriteOffs } from '../ledger/write-offs.service';
import { toWriteOffDto, WriteOffDto, WriteOffRequestDto } from './receivables.dto';

/** What customers owe. It is here because the ledger and the customers' guard are neighbours. */
@ApiTags('admin: ledger')
@ApiBearerAuth()
@AdminOnly()
@UseGuards(AccessGuard)
@Controller('admin/receivables')
export class ReceivablesAdminController {
  constructor(private readonly writeOffs: WriteOffs) {}

  @Post(':customerId/write-off')
  @ApiOperation({
    operationId: 'writeOffReceivable',
    summary: 'Give up what a customer owes, or a part of it',
    description: 'An expense. Once nothing is owed any more, the customer can spend again.',
  })
  @ApiHeader({ name: 'Idempotency-Key', required: false, description: 'A repeat gets the first answer.' })
  @ApiCreatedResponse({ type: WriteOffDto })
  @ApiProblems(400, 401, 403, 409)
  async writeOff(
    @Param('customerId') customerId: string,
    @Body() body: WriteOffRequestDto,
    @Headers('idempotency-key') key: string | undefined,
  ): Promise<WriteOffDto> {
    const { amount: text, asset, reason } = body;
    const amount = text === undefined ? undefined : parseMoney(text, asset);
    const request = { customerId, asset, reason, amount };
    return toWriteOffDto(customerId, await this.writeOffs.writeOff(request, requestKeyOf(key, { customerId, body })));
  }
}
