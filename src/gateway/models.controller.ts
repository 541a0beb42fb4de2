import { Controller, Get } from '@nestjs/common';
import { ApiOperation, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import { serializeRates } from '../pricing/price';
import { PricingService } from '../pricing/pricing.service';
import { ModelListDto } from './models.dto';

@ApiTags('inference')
@Controller('v1/models')
export class ModelsController {
  constructor(private readonly pricing: PricingService) {}

  @Get()
  @ApiOperation({ summary: 'Models, and what they cost now' })
  @ApiOkResponse({ type: ModelListDto })
  list(): ModelListDto {
    const data = this.pricing.offered().map(({ model, price }) => ({
      id: model.id,
      object: 'model' as const,
      created: Math.floor(price.effectiveFrom.getTime() / 1000),
      owned_by: model.provider,
      endpoints: [...model.endpoints],
      max_output_tokens: model.maxOutputTokens,
      price: {
        id: price.id,
        version: price.version,
        effectiveFrom: price.effectiveFrom.toISOString(),
        currency: 'USD' as const,
        rates: serializeRates(price.rates),
      },
    }));
    return { object: 'list', data };
  }
}
