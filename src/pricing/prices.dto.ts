import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import {
  ArrayMinSize,
  ArrayUnique,
  IsArray,
  IsIn,
  IsInt,
  IsObject,
  IsOptional,
  IsString,
  IsUrl,
  Matches,
  Max,
  Min,
} from 'class-validator';
import { type Endpoint, ENDPOINTS, type Model, UPSTREAM_KEY_ENV } from './model';
import { type Price, serializeRates } from './price';

const RATES = {
  type: 'object',
  additionalProperties: true,
  description:
    'Nano-USD as decimal strings: inputNanoPerMillion, cachedInputNanoPerMillion, cacheWriteNanoPerMillion, ' +
    'outputNanoPerMillion, reasoningNanoPerMillion, perRequestNano, perSecondNano, perImageNano by size and quality.',
  example: { inputNanoPerMillion: '150000000', outputNanoPerMillion: '600000000' },
} as const;

/** A model as the operator sets it up. What is left out goes back to its default. */
export class ModelSettingsDto {
  @ApiProperty({ description: 'What callers name it. May contain slashes.', example: 'meta/llama-4-maverick' })
  @Matches(/^\P{Cc}{1,200}$/u, { message: 'id must be 1 to 200 characters, none of them a control character' })
  id!: string;

  @ApiProperty({ enum: ENDPOINTS, isArray: true })
  @IsArray()
  @ArrayMinSize(1)
  @ArrayUnique()
  @IsIn(ENDPOINTS, { each: true })
  endpoints!: Model['endpoints'][number][];

  @ApiPropertyOptional({ enum: ['o200k_base', 'cl100k_base'], default: 'o200k_base' })
  @IsOptional()
  @IsIn(['o200k_base', 'cl100k_base'])
  encoding: Model['encoding'] = 'o200k_base';

  @ApiPropertyOptional({ minimum: 0, default: 4096, description: 'The most that is ever reserved for an answer.' })
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(10_000_000)
  maxOutputTokens: number = 4096;

  @ApiProperty({
    enum: ['openai', 'anthropic'],
    description: 'Whether cached tokens are reported inside the input (openai) or beside it. There is no default.',
  })
  @IsIn(['openai', 'anthropic'])
  usageConvention!: Model['usageConvention'];

  @ApiPropertyOptional({ type: String, description: 'Left out: UPSTREAM_URL.' })
  @IsOptional()
  @IsUrl({ require_tld: false, require_protocol: true, protocols: ['http', 'https'] })
  upstreamUrl?: string;

  @ApiPropertyOptional({ type: String, description: 'Name of the environment variable with the key. Never the key.' })
  @IsOptional()
  @Matches(UPSTREAM_KEY_ENV, { message: 'upstreamKeyEnv must name a variable such as UPSTREAM_ACME_API_KEY' })
  upstreamKeyEnv?: string;

  @ApiPropertyOptional({ type: String, description: 'What the upstream calls it. Left out: the same.' })
  @IsOptional()
  @Matches(/^\P{Cc}{1,200}$/u, { message: 'upstreamModel must be the name of a model' })
  upstreamModel?: string;

  @ApiPropertyOptional({ default: 'upstream', description: 'As it stands in exports.' })
  @IsOptional()
  @Matches(/^\P{Cc}{1,100}$/u, { message: 'provider must be a name' })
  provider: string = 'upstream';

  @ApiPropertyOptional({
    enum: ENDPOINTS,
    isArray: true,
    default: [],
    description: 'Endpoints that answer an x402 payment before it is settled, within the exposure limits. Has a risk.',
  })
  @IsOptional()
  @IsArray()
  @ArrayUnique()
  @IsIn(ENDPOINTS, { each: true })
  answersAfterClaim: Endpoint[] = [];
}

export class NewPriceDto {
  @ApiProperty({ description: 'Id of the model.' })
  @Matches(/^\P{Cc}{1,200}$/u, { message: 'model must be the id of a model' })
  model!: string;

  @ApiProperty(RATES)
  @IsObject()
  rates!: Record<string, unknown>;

  @ApiPropertyOptional({ description: 'ISO 8601 in UTC. Left out: now. Never in the past.' })
  @IsOptional()
  @IsString()
  effectiveFrom?: string;
}

export class PriceQueryDto {
  @ApiProperty({ description: 'Id of the model.' })
  @Matches(/^\P{Cc}{1,200}$/u, { message: 'model must be the id of a model' })
  model!: string;
}

export class PriceVersionDto {
  @ApiProperty()
  id!: string;

  @ApiProperty()
  model!: string;

  @ApiProperty()
  version!: number;

  @ApiProperty({ format: 'date-time' })
  effectiveFrom!: string;

  @ApiProperty(RATES)
  rates!: Record<string, unknown>;
}

export class PriceHistoryDto {
  @ApiProperty({ type: [PriceVersionDto], description: 'Newest first.' })
  data!: PriceVersionDto[];
}

export class ConfiguredModelDto {
  @ApiProperty()
  id!: string;

  @ApiProperty({ enum: ENDPOINTS, isArray: true })
  endpoints!: readonly string[];

  @ApiProperty()
  encoding!: string;

  @ApiProperty()
  maxOutputTokens!: number;

  @ApiProperty()
  usageConvention!: string;

  @ApiProperty({ type: String, nullable: true })
  upstreamUrl!: string | null;

  @ApiProperty({ type: String, nullable: true })
  upstreamKeyEnv!: string | null;

  @ApiProperty({ type: String, nullable: true })
  upstreamModel!: string | null;

  @ApiProperty()
  provider!: string;

  @ApiProperty({ enum: ENDPOINTS, isArray: true })
  answersAfterClaim!: readonly string[];
}

export class OfferedModelDto extends ConfiguredModelDto {
  @ApiProperty({
    type: PriceVersionDto,
    nullable: true,
    description: 'In force now; null: the model cannot be called.',
  })
  price!: PriceVersionDto | null;
}

export class ConfiguredModelListDto {
  @ApiProperty({ type: [OfferedModelDto], description: 'By id.' })
  data!: OfferedModelDto[];
}

export const toPriceVersion = (price: Price): PriceVersionDto => ({
  id: price.id,
  model: price.modelId,
  version: price.version,
  effectiveFrom: price.effectiveFrom.toISOString(),
  rates: serializeRates(price.rates),
});

export const toModel = (settings: ModelSettingsDto): Model => ({
  id: settings.id,
  endpoints: settings.endpoints,
  encoding: settings.encoding,
  maxOutputTokens: settings.maxOutputTokens,
  usageConvention: settings.usageConvention,
  upstreamUrl: settings.upstreamUrl ?? null,
  upstreamKeyEnv: settings.upstreamKeyEnv ?? null,
  upstreamModel: settings.upstreamModel ?? null,
  provider: settings.provider,
  answersAfterClaim: settings.answersAfterClaim,
});
