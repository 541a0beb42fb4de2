import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsBoolean, IsIn, IsOptional, IsString, Matches, MaxLength } from 'class-validator';
import { formatMoney, usd } from '../common/money';
import { BUDGET_PERIODS, type BudgetPeriod } from '../customers/spending';
import type { Counter, Weight } from './budget-counters.service';

export class BudgetQueryDto {
  @ApiPropertyOptional({ description: 'Whose. Only the operator may name another than the own.' })
  @IsOptional()
  @IsString()
  @MaxLength(100)
  customerId?: string;
}

export class SetBudgetDto extends BudgetQueryDto {
  @ApiPropertyOptional({ description: 'The id of an API key. Left out: all keys together.' })
  @IsOptional()
  @IsString()
  @MaxLength(100)
  keyId?: string;

  @ApiProperty({
    enum: BUDGET_PERIODS,
    description: 'Of the calendar in the customer’s time zone; a week begins on Monday.',
  })
  @IsIn(BUDGET_PERIODS)
  period!: BudgetPeriod;

  @ApiProperty({ description: 'In USD.', example: '250' })
  @Matches(/^\d{1,9}(\.\d{1,9})?$/, { message: 'limit must be a plain decimal such as "250"' })
  limit!: string;

  @ApiPropertyOptional({
    default: true,
    description: 'Whether it refuses calls. Any other only warns, from 80 per cent on.',
  })
  @IsOptional()
  @IsBoolean()
  hard: boolean = true;
}

export class TimeZoneDto {
  @ApiProperty({ example: 'Europe/Berlin', description: 'An IANA name: where days, weeks and months begin.' })
  @IsString()
  @MaxLength(60)
  timeZone!: string;
}

export class BudgetDto {
  @ApiProperty()
  id!: string;

  @ApiProperty({ type: String, nullable: true })
  keyId!: string | null;

  @ApiProperty({ enum: BUDGET_PERIODS })
  period!: string;

  @ApiProperty({ example: '250' })
  limit!: string;

  @ApiProperty()
  hard!: boolean;

  @ApiProperty({ description: 'In the current period.', example: '17.25' })
  used!: string;

  @ApiProperty({ description: 'By calls in flight.', example: '0.02' })
  held!: string;

  @ApiProperty({ format: 'date-time' })
  from!: string;

  @ApiProperty({
    format: 'date-time',
    description: 'Then the next period begins, with nothing used and nothing carried over.',
  })
  resetsAt!: string;
}

export class BudgetListDto {
  @ApiProperty({ example: 'Europe/Berlin' })
  timeZone!: string;

  @ApiProperty({ type: [BudgetDto] })
  data!: BudgetDto[];
}

export const toBudgetDto = ({ budget, period }: Weight, { spent, held }: Counter): BudgetDto => ({
  id: budget.id,
  keyId: budget.keyId,
  period: budget.period,
  limit: formatMoney(usd(BigInt(budget.limit))),
  hard: budget.hard,
  used: formatMoney(usd(spent)),
  held: formatMoney(usd(held)),
  from: period.from.toISOString(),
  resetsAt: period.to.toISOString(),
});
