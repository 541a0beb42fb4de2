import { Controller, Get, Query, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { AccessGuard, CurrentCaller } from '../../customers/access.guard';
import { type Caller, visibleCustomer } from '../../customers/access';
import { ACCESS_PROBLEMS, ApiRefusals } from '../refusals.dto';
import { RefundStore } from './refund-store.service';
import { ListRefundsDto, RefundListDto, toRefundDto } from './refunds.dto';

/** What went back to a customer's cards: for a key with the scope `billing`, or for the operator. */
@ApiTags('refunds')
@ApiBearerAuth()
@UseGuards(AccessGuard)
@Controller('v1/refunds')
export class RefundsController {
  constructor(private readonly store: RefundStore) {}

  @Get()
  @ApiOperation({ operationId: 'listRefunds', summary: 'List refunds, newest first' })
  @ApiOkResponse({ type: RefundListDto })
  @ApiRefusals(...ACCESS_PROBLEMS)
  async list(@CurrentCaller() caller: Caller, @Query() query: ListRefundsDto): Promise<RefundListDto> {
    const { customerId, limit, before } = query;
    const found = await this.store.list(visibleCustomer(caller, customerId), limit + 1, before);
    return { data: found.slice(0, limit).map(toRefundDto), hasMore: found.length > limit };
  }
}
