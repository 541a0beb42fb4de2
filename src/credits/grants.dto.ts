import { applyDecorators } from '@nestjs/common';
import { ApiProperty, ApiPropertyOptional, PickType } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  ArrayUnique,
  IsArray,
  IsIn,
  IsInt,
  IsOptional,
  IsString,
  Length,
  Matches,
  Max,
  MaxLength,
  Min,
} from 'class-validator';
import { formatMoney, plus } from '../common/money';
import type { PastCredit, PastGrant } from './grant-history.service';
import type { GrantClass } from './grant';

const GRANT_ID = 'grt_019a8b2c3d4e7f60a1b2c3d4e5f60718';
const CUSTOMER_ID = 'cus_019a8b2c3d4e7f60a1b2c3d4e5f60718';

/** An amount of USD above zero, and up to ten million: nine hundred of them fit into one account of the books. */
export const AMOUNT = /^(?=.*[1-9])(?:\d{1,7}(?:\.\d{1,9})?|10000000(?:\.0{1,9})?)$/;

/** Names of models, or nothing. */
export const IsModels = () =>
  applyDecorators(
    IsOptional(),
    IsArray(),
    ArrayMinSize(1),
    ArrayMaxSize(200),
    ArrayUnique(),
    Matches(/^\P{Cc}{1,200}$/u, { each: true, message: 'models must be names of models' }),
  );

/** Which grants to show, and as of when. */
export class GrantsQueryDto {
  @ApiPropertyOptional({ example: '2026-11-01T00:00:00Z', description: 'ISO 8601 in UTC; left out: now.' })
  @IsOptional()
  @IsString()
  @MaxLength(40)
  at?: string;

  @ApiPropertyOptional({
    enum: ['true', 'false'],
    default: 'false',
    description: 'Also what was used up or had ended.',
  })
  @IsOptional()
  @IsIn(['true', 'false'])
  all: 'true' | 'false' = 'false';

  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: 500, default: 100 })
  @Transform(({ value }) => Number(value))
  @IsInt()
  @Min(1)
  @Max(500)
  limit: number = 100;

  @ApiPropertyOptional({ example: GRANT_ID, description: 'The last id of the page before: older ones follow.' })
  @IsOptional()
  @Matches(/^grt_\w{1,60}$/, { message: 'before must be the id of a grant' })
  before?: string;
}

export class OwnGrantsQueryDto extends GrantsQueryDto {
  @ApiPropertyOptional({ description: 'Whose. Only the operator may name another than the own.' })
  @IsOptional()
  @IsString()
  @MaxLength(100)
  customerId?: string;
}

/** Credit that the operator gives. */
export class NewGrantDto {
  @ApiProperty({ example: CUSTOMER_ID })
  @IsString()
  @MaxLength(100)
  customerId!: string;

  @ApiProperty({ example: '25', description: 'In USD.' })
  @Matches(AMOUNT, { message: 'amount must be a plain decimal above zero, up to 10000000, such as "25"' })
  amount!: string;

  @ApiPropertyOptional({
    enum: ['promo', 'paid'],
    default: 'promo',
    description:
      'promo: a gift, booked to expense:promo. paid: a correction, which gives back what the customer had paid for ' +
      'calls that should have cost less, booked to revenue:refunds.',
  })
  @IsOptional()
  @IsIn(['promo', 'paid'])
  class: GrantClass = 'promo';

  @ApiPropertyOptional({
    type: 'integer',
    minimum: 0,
    maximum: 1000,
    description: 'Lower is used first. Left out: 40 for promo, 50 for paid.',
  })
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(1000)
  priority?: number;

  @ApiPropertyOptional({ example: '2027-11-01T00:00:00Z', description: 'Left out: it does not expire.' })
  @IsOptional()
  @IsString()
  @MaxLength(40)
  expiresAt?: string;

  @ApiPropertyOptional({
    type: [String],
    description: 'The only models whose calls it pays for. Left out: every model.',
  })
  @IsModels()
  models?: string[];

  @ApiProperty({ example: 'For the outage of 20 November.', description: 'Why, for the record.' })
  @IsString()
  @Length(1, 500)
  reason!: string;
}

export class VoidGrantDto extends PickType(NewGrantDto, ['reason']) {}

/** A grant as it was at an instant. Amounts are plain decimals of USD. */
export class GrantDto {
  @ApiProperty({ example: GRANT_ID })
  id!: string;

  @ApiProperty({ enum: ['paid', 'promo'], description: 'paid: the customer’s money. promo: a gift.' })
  class!: string;

  @ApiProperty({ example: 'topup', description: 'What gave it: topup, extra, bonus, usdc, code, manual, suspense, …' })
  origin!: string;

  @ApiProperty({ example: 'top_019a8b2c3d4e7f60a1b2c3d4e5f60718' })
  originId!: string;

  @ApiProperty({
    type: [String],
    nullable: true,
    description: 'Which models it pays for; null for all.',
    example: null,
  })
  models!: readonly string[] | null;

  @ApiProperty({ type: 'integer', example: 50, description: 'Lower is used first.' })
  priority!: number;

  @ApiProperty({ example: '25', description: 'What was given at first.' })
  amount!: string;

  @ApiProperty({ example: '17.5', description: 'Neither used nor ended then.' })
  left!: string;

  @ApiProperty({ example: '0', description: 'Of that, what waited for a dispute to be decided.' })
  frozen!: string;

  @ApiProperty({ enum: ['active', 'used', 'expired', 'voided'] })
  state!: string;

  @ApiProperty({ type: String, format: 'date-time', nullable: true, example: null })
  expiresAt!: string | null;

  @ApiProperty({ type: String, format: 'date-time', example: '2026-11-23T07:00:00.000Z' })
  createdAt!: string;
}

/** What was left of a customer's credit at an instant. */
export class GrantsAtDto {
  @ApiProperty({ example: CUSTOMER_ID })
  customerId!: string;

  @ApiProperty({ type: String, format: 'date-time' })
  at!: string;

  @ApiProperty({ example: '20', description: 'In USD, of all grants.' })
  left!: string;

  @ApiProperty({ example: '17.5', description: 'Of that, what was paid for.' })
  paid!: string;

  @ApiProperty({ example: '2.5', description: 'Of that, what was given.' })
  promo!: string;

  @ApiProperty({ example: '0', description: 'Used beyond all grants, by a customer with a credit limit.' })
  uncovered!: string;

  @ApiProperty({ type: [GrantDto], description: 'Newest first.' })
  data!: GrantDto[];

  @ApiProperty({ example: false, description: 'Whether older ones follow: ask again with before = the last id.' })
  hasMore!: boolean;
}

/** Of a look-up with one grant more than `limit`. */
export const toGrantsAtDto = (customerId: string, credit: PastCredit, limit: number): GrantsAtDto => ({
  customerId,
  at: credit.at.toISOString(),
  left: formatMoney(plus(credit.paid, credit.promo)),
  paid: formatMoney(credit.paid),
  promo: formatMoney(credit.promo),
  uncovered: formatMoney(credit.uncovered),
  data: credit.grants.slice(0, limit).map(toGrantDto),
  hasMore: credit.grants.length > limit,
});

export const toGrantDto = (grant: PastGrant): GrantDto => ({
  id: grant.id,
  class: grant.class,
  origin: grant.origin,
  originId: grant.originId,
  models: grant.models,
  priority: grant.priority,
  amount: formatMoney(grant.amount),
  left: formatMoney(grant.left),
  frozen: formatMoney(grant.frozen),
  state: grant.state,
  expiresAt: grant.expiresAt?.toISOString() ?? null,
  createdAt: grant.createdAt.toISOString(),
});
