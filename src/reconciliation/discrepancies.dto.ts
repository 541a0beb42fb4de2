import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { Equals, IsIn, IsInt, IsOptional, IsString, Length, Matches, Max, Min, ValidateNested } from 'class-validator';
import { formatMoney } from '../common/money';
import type { SideName } from '../common/reconciliation-side';
import { ageInDays, type Discrepancy, DISCREPANCY_STATES, type DiscrepancyState } from './discrepancy';
import { SIDE_NAMES } from './reconciliation-run';

const DISCREPANCY_ID = 'dis_019a8b2c3d4e7f60a1b2c3d4e5f60718';

export class DiscrepancyQueryDto {
  @ApiPropertyOptional({ enum: SIDE_NAMES })
  @IsOptional()
  @IsIn(SIDE_NAMES)
  side?: SideName;

  @ApiPropertyOptional({ enum: DISCREPANCY_STATES, description: 'Left out: every state.' })
  @IsOptional()
  @IsIn(DISCREPANCY_STATES)
  state?: DiscrepancyState;

  @ApiPropertyOptional({ minimum: 1, maximum: 1000, default: 100 })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(1000)
  limit: number = 100;

  @ApiPropertyOptional({ description: '`next` of the page before.' })
  @IsOptional()
  @Matches(/^dis_\w{1,60}$/, { message: 'after must be the id of a discrepancy' })
  after?: string;
}

export class ResolutionEntryDto {
  @ApiProperty({ description: 'The account that is debited.', example: 'stripe:clearing' })
  @IsString()
  @Length(1, 200)
  from!: string;

  @ApiProperty({ description: 'The account that is credited.', example: 'suspense' })
  @IsString()
  @Length(1, 200)
  to!: string;

  @ApiProperty({
    description: 'What the discrepancy is about, without its sign: it is refused when that has changed meanwhile.',
    example: '25',
  })
  @Matches(/^\d{1,15}(\.\d{1,9})?$/, { message: 'amount must be a plain decimal such as 25 or 0.31' })
  amount!: string;
}

/** How a person settles a discrepancy: `entry`, or `waive`. */
export class ResolveDiscrepancyDto {
  @ApiProperty({
    description: 'For whoever reads the books later.',
    example: 'Test charge made by hand on 20 November.',
  })
  @IsString()
  @Length(3, 500)
  reason!: string;

  @ApiProperty({ description: 'Who says so.', example: 'Ada, finance' })
  @IsString()
  @Length(1, 200)
  by!: string;

  @ApiPropertyOptional({ type: ResolutionEntryDto, description: 'The movement that explains it.' })
  @IsOptional()
  @ValidateNested()
  @Type(() => ResolutionEntryDto)
  entry?: ResolutionEntryDto;

  @ApiPropertyOptional({ enum: [true], description: 'In place of an entry: it stays a difference that is known.' })
  @IsOptional()
  @Equals(true, { message: 'waive is true, or left out' })
  waive?: true;
}

export class ResolutionDto {
  @ApiProperty({ format: 'date-time' })
  at!: string;

  @ApiProperty()
  by!: string;

  @ApiProperty()
  reason!: string;

  @ApiProperty({ type: String, nullable: true, description: 'The entry; null where it was waived.' })
  entryId!: string | null;

  @ApiProperty({ type: String, nullable: true })
  from!: string | null;

  @ApiProperty({ type: String, nullable: true })
  to!: string | null;
}

export class DiscrepancyDto {
  @ApiProperty({ example: DISCREPANCY_ID })
  id!: string;

  @ApiProperty({ enum: SIDE_NAMES })
  side!: string;

  @ApiProperty({ example: 'transaction_unexplained' })
  kind!: string;

  @ApiProperty({ description: 'What it is about, at the other side.', example: 'txn_3Qabc' })
  ref!: string;

  @ApiProperty({ example: 'USD' })
  asset!: string;

  @ApiProperty({ description: 'What the other side has more than the books; negative: less.', example: '25' })
  amount!: string;

  @ApiProperty({ type: String, nullable: true })
  customerId!: string | null;

  @ApiProperty({ description: 'What most likely happened, and what to do.' })
  suggestedCause!: string;

  @ApiProperty({ enum: DISCREPANCY_STATES, description: 'Vanished: a later run did not find it any more.' })
  state!: string;

  @ApiProperty({ format: 'date-time', description: 'When it came to be, at the other side.' })
  since!: string;

  @ApiProperty({ description: 'Whole days since then.' })
  ageDays!: number;

  @ApiProperty({ format: 'date-time' })
  firstSeen!: string;

  @ApiProperty({ format: 'date-time' })
  lastSeen!: string;

  @ApiProperty({ description: 'How often it was opened.' })
  times!: number;

  @ApiProperty({ type: ResolutionDto, nullable: true })
  resolution!: ResolutionDto | null;
}

export class DiscrepancyListDto {
  @ApiProperty({ type: [DiscrepancyDto], description: 'As they were first found.' })
  data!: DiscrepancyDto[];

  @ApiProperty({ type: String, nullable: true, description: 'Send it as `after` for the next page; null at the end.' })
  next!: string | null;
}

export const toDiscrepancyDto = (one: Discrepancy, now: Date): DiscrepancyDto => ({
  ...{ id: one.id, side: one.side, kind: one.kind, ref: one.ref },
  ...{ asset: one.amount.asset, amount: formatMoney(one.amount), customerId: one.customerId },
  ...{ suggestedCause: one.suggestedCause, state: one.state, since: one.since.toISOString() },
  ageDays: ageInDays(one, now),
  firstSeen: one.firstSeen.toISOString(),
  lastSeen: one.lastSeen.toISOString(),
  times: one.times,
  resolution: one.resolution && {
    ...{ at: one.resolution.at.toISOString(), by: one.resolution.by, reason: one.resolution.reason },
    entryId: one.resolution.entry?.id.toString() ?? null,
    from: one.resolution.entry?.from ?? null,
    to: one.resolution.entry?.to ?? null,
  },
});
