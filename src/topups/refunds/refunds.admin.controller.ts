import { Body, Controller, Headers, Param, Post, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiCreatedResponse, ApiHeader, ApiOperation, ApiTags } from '@nestjs/swagger';
import { requestKeyOf } from '../../common/idempotency-key';
import { AccessGuard, AdminOnly } from '../../customers/access.guard';
import { ACCESS_PROBLEMS, ApiRefusals, PROCESSOR_PROBLEMS } from '../refusals.dto';
import { NewRefundDto, RefundDto, toRefundDto } from './refunds.dto';
import { RefundsService } from './refunds.service';

/** Money back to the card, by the operator. */
@ApiTags('admin: refunds')
@ApiBearerAuth()
@AdminOnly()
@UseGuards(AccessGuard)
@Controller('admin/topups')
export class RefundsAdminController {
  constructor(private readonly refunds: RefundsService) {}

  @Post(':id/refunds')
  @ApiOperation({
    operationId: 'createRefund',
    summary: 'Refund a top-up, or a part of it',
    description:
      'Only what is not used, unless forced. The credit is gone at once; Stripe is told right after, and what it then ' +
      'says is in GET /v1/refunds.',
  })
  @ApiHeader({ name: 'Idempotency-Key', required: false, description: 'A repeat gets the first refund.' })
  @ApiCreatedResponse({ type: RefundDto })
  @ApiRefusals(
    ...ACCESS_PROBLEMS,
    { status: 404, code: 'top_up_not_found', detail: 'There is no such top-up by card.' },
    {
      status: 409,
      code: 'refund_exceeds_unused',
      detail: 'More than is left unused; refundableCents says how much is.',
    },
    { status: 409, code: 'refund_exceeds_payment', detail: 'More than is left of the payment.' },
    { status: 409, code: 'nothing_to_refund', detail: 'Nothing is left, or nothing was paid.' },
    { status: 409, code: 'payment_disputed', detail: "The payer's bank has the payment in dispute." },
    { status: 409, code: 'idempotency_conflict', detail: 'The key was used before with another request.' },
    ...PROCESSOR_PROBLEMS,
  )
  async create(
    @Param('id') id: string,
    @Body() body: NewRefundDto,
    @Headers('idempotency-key') key: string | undefined,
  ): Promise<RefundDto> {
    return toRefundDto(await this.refunds.create(id, body, requestKeyOf(key, { topUp: id, body })));
  }
}
