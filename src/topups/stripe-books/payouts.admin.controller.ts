import { Controller, Get, Query, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { AccessGuard, AdminOnly } from '../../customers/access.guard';
import { DatabaseService } from '../../database/database.service';
import { ACCESS_PROBLEMS, ApiRefusals } from '../refusals.dto';
import { PayoutStore } from './payout-store.service';
import { ListPayoutsDto, PayoutListDto, toPayoutDto } from './payouts.dto';

/** What Stripe has paid out to the bank: each is a line on the bank's statement. */
@ApiTags('admin: payouts')
@ApiBearerAuth()
@AdminOnly()
@UseGuards(AccessGuard)
@Controller('admin/payouts')
export class PayoutsAdminController {
  constructor(
    private readonly store: PayoutStore,
    private readonly database: DatabaseService,
  ) {}

  @Get()
  @ApiOperation({ operationId: 'listPayouts', summary: 'The newest payouts, and whether what is behind them adds up' })
  @ApiOkResponse({ type: PayoutListDto })
  @ApiRefusals(...ACCESS_PROBLEMS)
  async list(@Query() { limit }: ListPayoutsDto): Promise<PayoutListDto> {
    return { data: (await this.store.list(this.database, limit)).map(toPayoutDto) };
  }
}
