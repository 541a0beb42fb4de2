import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsBoolean, IsInt, IsOptional, Matches, Max, Min } from 'class-validator';
import { formatMoney, type Money } from '../../common/money';
import { CardOwnerDto } from '../cards/saved-cards.dto';
import { centsToUsd } from '../topup';
import type { AutoReloadRule, AutoReloadTerms } from './auto-reload';
import { RELOAD_STATES, type ReloadAttempt } from './reload-attempt';

const MOST_CENTS = 100_000_000;

/** When and by how much to fill up. */
export class PutAutoReloadDto extends CardOwnerDto {
  @ApiProperty()
  @IsBoolean()
  enabled!: boolean;

  @ApiProperty({ type: 'integer', example: 1000, description: 'US cents. Below it the balance is filled up.' })
  @IsInt()
  @Min(0)
  @Max(MOST_CENTS)
  thresholdCents!: number;

  @ApiProperty({ type: 'integer', example: 2500, description: 'US cents; a multiple of it where once is not enough.' })
  @IsInt()
  @Min(1)
  @Max(MOST_CENTS)
  amountCents!: number;

  @ApiPropertyOptional({
    type: 'integer',
    description: "The most that is charged in a day of the customer's calendar.",
  })
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(MOST_CENTS)
  dayCapCents?: number;

  @ApiPropertyOptional({ type: 'integer', description: 'The same for its month.' })
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(MOST_CENTS)
  monthCapCents?: number;
}

export const termsOf = (dto: PutAutoReloadDto): AutoReloadTerms => ({
  enabled: dto.enabled,
  threshold: centsToUsd(dto.thresholdCents),
  amount: centsToUsd(dto.amountCents),
  dayCap: dto.dayCapCents === undefined ? null : centsToUsd(dto.dayCapCents),
  monthCap: dto.monthCapCents === undefined ? null : centsToUsd(dto.monthCapCents),
});

export class AutoReloadDto {
  @ApiProperty()
  customerId!: string;

  @ApiProperty()
  enabled!: boolean;

  @ApiProperty({ example: '10', description: 'USD as a plain decimal, as every amount here.' })
  threshold!: string;

  @ApiProperty({ example: '25' })
  amount!: string;

  @ApiProperty({ type: String, nullable: true })
  dayCap!: string | null;

  @ApiProperty({ type: String, nullable: true })
  monthCap!: string | null;

  @ApiProperty({ enum: ['active', 'needs_authentication', 'suspended'] })
  state!: string;

  @ApiProperty({
    type: String,
    nullable: true,
    description: 'What stands in the way, in snake_case: cap_reached, payment_disputed, tax_is_added, a decline, …',
  })
  reason!: string | null;

  @ApiProperty({ description: 'In a row.' })
  failures!: number;

  @ApiProperty({ type: String, format: 'date-time', nullable: true, description: 'Nothing is charged before.' })
  nextTryAt!: string | null;
}

const orNull = (money: Money | null): string | null => money && formatMoney(money);

export const toAutoReloadDto = (rule: AutoReloadRule): AutoReloadDto => ({
  customerId: rule.customerId,
  enabled: rule.enabled,
  threshold: formatMoney(rule.threshold),
  amount: formatMoney(rule.amount),
  dayCap: orNull(rule.dayCap),
  monthCap: orNull(rule.monthCap),
  state: rule.state,
  reason: rule.reason,
  failures: rule.failures,
  nextTryAt: rule.nextTryAt?.toISOString() ?? null,
});

export class ListAttemptsDto extends CardOwnerDto {
  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: 200, default: 50 })
  @Transform(({ value }) => Number(value))
  @IsInt()
  @Min(1)
  @Max(200)
  limit: number = 50;

  @ApiPropertyOptional({ description: 'The last id of the page before: older ones follow.' })
  @IsOptional()
  @Matches(/^arl_\w{1,60}$/, { message: 'before must be the id of an attempt' })
  before?: string;
}

export class ReloadAttemptDto {
  @ApiProperty({ example: 'arl_019a8b2c3d4e7f60a1b2c3d4e5f60718' })
  id!: string;

  @ApiProperty({ example: 'top_019a8b2c3d4e7f60a1b2c3d4e5f60718' })
  topUpId!: string;

  @ApiProperty({ example: '25' })
  amount!: string;

  @ApiProperty({ enum: RELOAD_STATES })
  state!: string;

  @ApiProperty({ type: String, nullable: true, example: 'insufficient_funds' })
  reason!: string | null;

  @ApiProperty({ type: String, nullable: true, description: 'What Stripe advises: try_again_later, …' })
  adviceCode!: string | null;

  @ApiProperty({ type: String, nullable: true })
  paymentIntentId!: string | null;

  @ApiProperty({ type: String, nullable: true, description: 'Where the holder of the card can pay it.' })
  url!: string | null;

  @ApiProperty({ type: String, format: 'date-time' })
  createdAt!: string;

  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  finishedAt!: string | null;
}

export class ReloadAttemptListDto {
  @ApiProperty({ type: [ReloadAttemptDto] })
  data!: ReloadAttemptDto[];

  @ApiProperty({ example: false })
  hasMore!: boolean;
}

export const toReloadAttemptDto = (attempt: ReloadAttempt): ReloadAttemptDto => ({
  id: attempt.id,
  topUpId: attempt.topUpId,
  amount: formatMoney(attempt.amount),
  state: attempt.state,
  reason: attempt.reason,
  adviceCode: attempt.adviceCode,
  paymentIntentId: attempt.paymentIntentId,
  url: attempt.url,
  createdAt: attempt.createdAt.toISOString(),
  finishedAt: attempt.finishedAt?.toISOString() ?? null,
});
