import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsInt, IsOptional, IsString, Matches, Max, MaxLength, Min } from 'class-validator';
import { formatMoney } from '../../common/money';
import { AMOUNT, IsModels } from '../grants.dto';
import { PROMO_CODE, type PromoCode } from './promo-code';

const NO_CODE = 'code must be 8 to 40 letters, digits and dashes';

export class NewPromoCodeDto {
  @ApiPropertyOptional({
    example: 'WELCOME-2026',
    description: '8 to 40 letters, digits and dashes; capitals do not matter. Left out: one that cannot be guessed.',
  })
  @IsOptional()
  @Matches(PROMO_CODE, { message: NO_CODE })
  code?: string;

  @ApiProperty({ example: '5', description: 'What each customer gets, in USD.' })
  @Matches(AMOUNT, { message: 'amount must be a plain decimal above zero, up to 10000000, such as "5"' })
  amount!: string;

  @ApiProperty({ type: 'integer', minimum: 1, maximum: 10_000_000, example: 100, description: 'How many customers.' })
  @IsInt()
  @Min(1)
  @Max(10_000_000)
  cap!: number;

  @ApiPropertyOptional({
    example: '2026-12-31T23:59:59Z',
    description: 'The last instant at which it may be redeemed.',
  })
  @IsOptional()
  @IsString()
  @MaxLength(40)
  validUntil?: string;

  @ApiPropertyOptional({
    type: 'integer',
    minimum: 1,
    maximum: 3650,
    example: 90,
    description: 'How long the credit lasts once it is redeemed. Left out: it does not expire.',
  })
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(3650)
  expiresDays?: number;

  @ApiPropertyOptional({ type: 'integer', minimum: 0, maximum: 1000, default: 40, description: 'Lower is used first.' })
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(1000)
  priority?: number;

  @ApiPropertyOptional({
    type: [String],
    description: 'The only models whose calls the credit pays for. Left out: every model.',
  })
  @IsModels()
  models?: string[];
}

/** Which codes to list. */
export class PromoCodesQueryDto {
  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: 500, default: 100 })
  @Transform(({ value }) => Number(value))
  @IsInt()
  @Min(1)
  @Max(500)
  limit: number = 100;

  @ApiPropertyOptional({ example: 'WELCOME-2026', description: 'The last code of the page before: older ones follow.' })
  @IsOptional()
  @Matches(PROMO_CODE, { message: NO_CODE })
  before?: string;
}

export class RedeemDto {
  @ApiProperty({ example: 'WELCOME-2026', description: 'Capitals do not matter.' })
  @Matches(PROMO_CODE, { message: NO_CODE })
  code!: string;

  @ApiPropertyOptional({ description: 'For whom. Only the operator may name another than the own.' })
  @IsOptional()
  @IsString()
  @MaxLength(100)
  customerId?: string;
}

/** A code as the API shows it. */
export class PromoCodeDto {
  @ApiProperty({ example: 'WELCOME-2026' })
  code!: string;

  @ApiProperty({ example: '5' })
  amount!: string;

  @ApiProperty({ type: 'integer', example: 100 })
  cap!: number;

  @ApiProperty({ type: 'integer', example: 17, description: 'By so many customers.' })
  redeemed!: number;

  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  validUntil!: string | null;

  @ApiProperty({ type: 'integer', nullable: true, example: 90 })
  expiresDays!: number | null;

  @ApiProperty({ type: 'integer', example: 40 })
  priority!: number;

  @ApiProperty({ type: [String], nullable: true, description: 'The only models that it pays for.', example: null })
  models!: readonly string[] | null;

  @ApiProperty({ type: String, format: 'date-time' })
  createdAt!: string;

  @ApiProperty({ type: String, format: 'date-time', nullable: true, example: null })
  endedAt!: string | null;
}

export class PromoCodeListDto {
  @ApiProperty({ type: [PromoCodeDto], description: 'Newest first.' })
  data!: PromoCodeDto[];

  @ApiProperty({ example: false, description: 'Whether older ones follow: ask again with before = the last code.' })
  hasMore!: boolean;
}

export const toPromoCodeDto = (code: PromoCode): PromoCodeDto => ({
  code: code.code,
  amount: formatMoney(code.amount),
  cap: code.cap,
  redeemed: code.redeemed,
  validUntil: code.validUntil?.toISOString() ?? null,
  expiresDays: code.expiresDays,
  priority: code.priority,
  models: code.models,
  createdAt: code.createdAt.toISOString(),
  endedAt: code.endedAt?.toISOString() ?? null,
});
