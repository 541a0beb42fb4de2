import { Body, Controller, Param, Post, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiCreatedResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
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
    ...PROCESSOR_PROBLEMS,
  )
  async create(@Param('id') id: string, @Body() body: NewRefundDto): Promise<RefundDto> {
    return toRefundDto(await this.refunds.create(id, body));
  }
}
