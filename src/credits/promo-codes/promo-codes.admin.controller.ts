import { Body, Controller, Get, HttpCode, Param, Post, Query, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { parseMoney } from '../../common/money';
import { parseInstant } from '../../common/period';
import { ApiProblems } from '../../common/problem.dto';
import { AccessGuard, AdminOnly } from '../../customers/access.guard';
import { normalised } from './promo-code';
import { PromoCodeError } from './promo-code-error';
import { NewPromoCodeDto, PromoCodeDto, PromoCodeListDto, PromoCodesQueryDto, toPromoCodeDto } from './promo-codes.dto';
import { PromoCodes } from './promo-codes.service';

/** The operator's side of promotional codes. */
@ApiTags('admin: credit')
@ApiBearerAuth()
@AdminOnly()
@UseGuards(AccessGuard)
@Controller('admin/promo-codes')
export class PromoCodesAdminController {
  constructor(private readonly codes: PromoCodes) {}

  @Post()
  @ApiOperation({
    operationId: 'createPromoCode',
    summary: 'Make a code that gives credit, once per customer and to so many customers',
    description: '`promo_code_exists`: 409.',
  })
  @ApiCreatedResponse({ type: PromoCodeDto })
  @ApiProblems(400, 401, 403, 409)
  async create(@Body() body: NewPromoCodeDto): Promise<PromoCodeDto> {
    const { code, amount, cap, validUntil, expiresDays = null, priority, models = null } = body;
    const made = await this.codes.create({
      ...{
        code: code === undefined ? undefined : normalised(code),
        amount: parseMoney(amount, 'USD'),
        cap,
        priority,
        models,
      },
      ...{ validUntil: validUntil === undefined ? null : parseInstant(validUntil, 'validUntil'), expiresDays },
    });
    if (!made) throw new PromoCodeError('promo_code_exists');
    return toPromoCodeDto(made);
  }

  @Get()
  @ApiOperation({ operationId: 'listPromoCodes', summary: 'Codes, and by how many customers they were redeemed' })
  @ApiOkResponse({ type: PromoCodeListDto })
  @ApiProblems(400, 401, 403)
  async list(@Query() { limit, before }: PromoCodesQueryDto): Promise<PromoCodeListDto> {
    const found = await this.codes.list(limit + 1, before === undefined ? undefined : normalised(before));
    return { data: found.slice(0, limit).map(toPromoCodeDto), hasMore: found.length > limit };
  }

  @Post(':code/end')
  @HttpCode(200)
  @ApiOperation({ operationId: 'endPromoCode', summary: 'End a code; what it gave stays. Safe to repeat' })
  @ApiOkResponse({ type: PromoCodeDto })
  @ApiProblems(401, 403, 404)
  async end(@Param('code') code: string): Promise<PromoCodeDto> {
    return toPromoCodeDto(await this.codes.end(normalised(code)));
  }
}
