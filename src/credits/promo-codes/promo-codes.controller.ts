import { Body, Controller, HttpCode, Post, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiProblems } from '../../common/problem.dto';
import { AccessGuard, CurrentCaller } from '../../customers/access.guard';
import { type Caller, oneCustomer } from '../../customers/access';
import { GrantHistory } from '../grant-history.service';
import { GrantDto, toGrantDto } from '../grants.dto';
import { normalised } from './promo-code';
import { grantOf } from './promo-code-error';
import { PromoCodes } from './promo-codes.service';
import { RedeemDto } from './promo-codes.dto';

/** Credit for a code: for a key with the scope `billing`, or for the operator. */
@ApiTags('credit')
@ApiBearerAuth()
@UseGuards(AccessGuard)
@Controller('v1/credits/redeem')
export class PromoCodesController {
  constructor(
    private readonly codes: PromoCodes,
    private readonly history: GrantHistory,
  ) {}

  @Post()
  @HttpCode(200)
  @ApiOperation({
    operationId: 'redeemPromoCode',
    summary: 'Redeem a code for credit, once per customer',
    description:
      '409: `promo_code_already_redeemed`, `promo_code_exhausted`, `promo_code_ended`, `too_many_scoped_grants`.',
  })
  @ApiOkResponse({ type: GrantDto })
  @ApiProblems(400, 401, 403, 404, 409)
  async redeem(@CurrentCaller() caller: Caller, @Body() body: RedeemDto): Promise<GrantDto> {
    const customerId = oneCustomer(caller, body.customerId);
    const grantId = grantOf(await this.codes.redeem(customerId, normalised(body.code)));
    return toGrantDto(await this.history.one(customerId, grantId));
  }
}
