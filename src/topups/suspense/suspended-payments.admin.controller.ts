import { Body, Controller, Get, Param, Post, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiProblems } from '../../common/problem.dto';
import { AccessGuard, AdminOnly } from '../../customers/access.guard';
import {
  AttributedPaymentDto,
  AttributePaymentDto,
  SuspendedPaymentsDto,
  toAttributedPaymentDto,
  toSuspendedPaymentDto,
} from './suspended-payments.dto';
import { SuspendedPayments } from './suspended-payments.service';

const MOST = 200;

/** Card payments whose owner is not known, and saying whose they are. */
@ApiTags('admin: top-ups')
@ApiBearerAuth()
@AdminOnly()
@UseGuards(AccessGuard)
@Controller('admin/suspended-payments')
export class SuspendedPaymentsAdminController {
  constructor(private readonly payments: SuspendedPayments) {}

  @Get()
  @ApiOperation({
    operationId: 'listSuspendedPayments',
    summary: 'Card payments that wait in suspense, the oldest first',
    description: 'They belong to no top-up: somebody paid at our Stripe account in another way.',
  })
  @ApiOkResponse({ type: SuspendedPaymentsDto })
  @ApiProblems(401, 403)
  async list(): Promise<SuspendedPaymentsDto> {
    return { data: (await this.payments.list(MOST)).map(toSuspendedPaymentDto) };
  }

  @Post(':paymentIntentId/attribution')
  @ApiOperation({
    operationId: 'attributeSuspendedPayment',
    summary: 'Say whose a card payment in suspense is',
    description:
      'It becomes that customer’s paid credit, and is refunded like any other payment from then on. Safe to repeat; ' +
      '409 `payment_not_in_suspense` when it is somebody else’s already, or goes back.',
  })
  @ApiCreatedResponse({ type: AttributedPaymentDto })
  @ApiProblems(400, 401, 403, 404, 409)
  async attribute(
    @Param('paymentIntentId') id: string,
    @Body() { customerId, reason }: AttributePaymentDto,
  ): Promise<AttributedPaymentDto> {
    return toAttributedPaymentDto(id, customerId, await this.payments.attribute(id, customerId, reason));
  }
}
