import { Body, Controller, Get, Post, Put, Query, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { InvalidRequestError } from '../common/billing-error';
import { parseInstant } from '../common/period';
import { ApiProblems } from '../common/problem.dto';
import { AccessGuard, AdminOnly } from '../customers/access.guard';
import { parseRates } from './price';
import {
  ConfiguredModelDto,
  ConfiguredModelListDto,
  ModelSettingsDto,
  NewPriceDto,
  PriceHistoryDto,
  PriceQueryDto,
  PriceVersionDto,
  toModel,
  toPriceVersion,
} from './prices.dto';
import { PricingService } from './pricing.service';

/** A price may take effect a little before it is written: clocks differ. */
const CLOCK_DIFFERENCE_MS = 60_000;

/** The operator's side of models and prices. Model ids may contain slashes, so they are not part of a path. */
@ApiTags('admin: models and prices')
@ApiBearerAuth()
@AdminOnly()
@UseGuards(AccessGuard)
@Controller('admin')
export class PricesAdminController {
  constructor(private readonly pricing: PricingService) {}

  @Put('models')
  @ApiOperation({ summary: 'Make a model, or replace its settings; prices stay', operationId: 'putModel' })
  @ApiOkResponse({ type: ConfiguredModelDto })
  @ApiProblems(400, 401, 403)
  async put(@Body() body: ModelSettingsDto): Promise<ConfiguredModelDto> {
    const model = toModel(body);
    await this.pricing.putModel(model);
    return model;
  }

  @Get('models')
  @ApiOperation({ summary: 'Every model with the price in force', operationId: 'listConfiguredModels' })
  @ApiOkResponse({ type: ConfiguredModelListDto })
  @ApiProblems(401, 403)
  list(): ConfiguredModelListDto {
    const models = this.pricing.configured();
    return {
      data: models.map(({ model, price }) => ({ ...model, price: price === undefined ? null : toPriceVersion(price) })),
    };
  }

  @Post('prices')
  @ApiOperation({ summary: 'The next version of a model’s price', operationId: 'addPrice' })
  @ApiCreatedResponse({ type: PriceVersionDto })
  @ApiProblems(400, 401, 403, 404, 409)
  async addPrice(@Body() body: NewPriceDto): Promise<PriceVersionDto> {
    const effectiveFrom = body.effectiveFrom === undefined ? new Date() : notPast(body.effectiveFrom);
    return toPriceVersion(await this.pricing.addPrice(body.model, parseRates(body.rates), effectiveFrom));
  }

  @Get('prices')
  @ApiOperation({ summary: 'Every version of a model’s price', operationId: 'listPrices' })
  @ApiOkResponse({ type: PriceHistoryDto })
  @ApiProblems(400, 401, 403)
  async history(@Query() query: PriceQueryDto): Promise<PriceHistoryDto> {
    return { data: (await this.pricing.history(query.model)).map(toPriceVersion) };
  }
}

/** What was quoted stays quoted: the price of a moment that has passed never changes. */
function notPast(text: string): Date {
  const instant = parseInstant(text, 'effectiveFrom');
  if (instant.getTime() >= Date.now() - CLOCK_DIFFERENCE_MS) return instant;
  throw new InvalidRequestError({
    code: 'price_in_the_past',
    detail: 'A price cannot take effect in the past.',
    hint: 'Leave effectiveFrom out for a price that is in force now.',
  });
}
