import { Body, Controller, Get, Headers, Param, Post, Query, UseGuards } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiCreatedResponse,
  ApiHeader,
  ApiOkResponse,
  ApiOperation,
  ApiResponse,
  ApiTags,
} from '@nestjs/swagger';
import { InvalidRequestError, NotFoundError } from '../common/billing-error';
import { requestKeyOf } from '../common/idempotency-key';
import { parseMoney } from '../common/money';
import { ApiProblems, ProblemDto } from '../common/problem.dto';
import { AccessGuard, AdminOnly } from '../customers/access.guard';
import { UsdcRefundStore } from './usdc-refund-store.service';
import {
  ListUsdcRefundsDto,
  NewUsdcRefundDto,
  toUsdcRefundDto,
  UsdcRefundDto,
  UsdcRefundListDto,
} from './usdc-refunds.dto';
import { UsdcRefunds } from './usdc-refunds.service';

/** Payments in USDC that go back, by the operator. */
@ApiTags('admin: refunds')
@ApiBearerAuth()
@AdminOnly()
@UseGuards(AccessGuard)
@Controller('admin/usdc-refunds')
export class UsdcRefundsAdminController {
  constructor(
    private readonly refunds: UsdcRefunds,
    private readonly store: UsdcRefundStore,
  ) {}

  @Post()
  @ApiOperation({
    operationId: 'createUsdcRefund',
    summary: 'Refund a call or a top-up that was paid in USDC, or a part of it',
    description:
      'To its payer on the chain, at our gas, or to the balance of the wallet. Never more than was paid, in however ' +
      'many parts. What cannot be delivered within an hour stays on the balance (`returned`).',
  })
  @ApiHeader({ name: 'Idempotency-Key', required: false, description: 'A repeat gets the first refund.' })
  @ApiCreatedResponse({ type: UsdcRefundDto })
  @ApiProblems(400, 401, 403, 404)
  @ApiResponse({
    status: 409,
    type: ProblemDto,
    description:
      '`refund_exceeds_payment`, `refund_exceeds_unused` (`refundable` says how much may), `nothing_to_refund`, ' +
      '`not_paid_in_usdc`, `payment_not_settled`, `payment_owed`, `already_on_balance`, `other_network`, ' +
      '`idempotency_conflict`',
  })
  @ApiResponse({ status: 501, type: ProblemDto, description: '`withdrawals_unavailable`' })
  @ApiResponse({ status: 503, type: ProblemDto, description: '`payout_float_low`, `chain_unavailable`' })
  async create(
    @Body() body: NewUsdcRefundDto,
    @Headers('idempotency-key') key: string | undefined,
  ): Promise<UsdcRefundDto> {
    const { amount, ...asked } = body;
    const named = [asked.callId, asked.topUpId, asked.paymentId].filter((id) => id !== undefined);
    if (named.length !== 1) {
      const detail = 'Name what to give back by one of callId, topUpId, paymentId.';
      throw new InvalidRequestError({ code: 'one_payment_needed', detail });
    }
    const request = amount === undefined ? asked : { ...asked, amount: parseMoney(amount, 'USDC') };
    return toUsdcRefundDto(await this.refunds.create(request, requestKeyOf(key, body)));
  }

  @Get()
  @ApiOperation({ operationId: 'listUsdcRefunds', summary: 'List refunds in USDC, newest first' })
  @ApiOkResponse({ type: UsdcRefundListDto })
  @ApiProblems(400, 401, 403)
  async list(@Query() { limit, before, ...filter }: ListUsdcRefundsDto): Promise<UsdcRefundListDto> {
    const found = await this.store.list(filter, limit + 1, before);
    return { data: found.slice(0, limit).map(toUsdcRefundDto), hasMore: found.length > limit };
  }

  @Get(':id')
  @ApiOperation({ operationId: 'getUsdcRefund', summary: 'One refund in USDC, and how far it is' })
  @ApiOkResponse({ type: UsdcRefundDto })
  @ApiProblems(401, 403, 404)
  async get(@Param('id') id: string): Promise<UsdcRefundDto> {
    const refund = await this.store.get(id);
    if (!refund) throw new NotFoundError({ what: 'refund', id });
    return toUsdcRefundDto(refund);
  }
}
