import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import {
  ArrayMinSize,
  ArrayUnique,
  IsArray,
  IsIn,
  IsInt,
  IsOptional,
  IsString,
  Matches,
  Max,
  Min,
} from 'class-validator';
import type { SideName } from '../common/reconciliation-side';
import { RUN_STATES, SIDE_NAMES } from './reconciliation-run';

const SIDES_MESSAGE = `sides is a list of ${SIDE_NAMES.join(', ')}`;

/** What to compare. */
export class NewRunDto {
  @ApiPropertyOptional({
    description: 'ISO 8601 in UTC, inclusive. Left out: since the last good run, at least a week.',
  })
  @IsOptional()
  @IsString()
  from?: string;

  @ApiPropertyOptional({ description: 'ISO 8601 in UTC, exclusive. Left out: now.' })
  @IsOptional()
  @IsString()
  to?: string;

  @ApiPropertyOptional({ enum: SIDE_NAMES, isArray: true, description: 'Left out: all.' })
  @IsOptional()
  @IsArray({ message: SIDES_MESSAGE })
  @IsIn(SIDE_NAMES, { each: true, message: SIDES_MESSAGE })
  @ArrayMinSize(1, { message: SIDES_MESSAGE })
  @ArrayUnique({ message: SIDES_MESSAGE })
  sides?: SideName[];
}

export class ReportQueryDto {
  @ApiPropertyOptional({ enum: SIDE_NAMES, description: 'Left out: all.' })
  @IsOptional()
  @IsIn(SIDE_NAMES)
  side?: SideName;

  @ApiPropertyOptional({ enum: ['json', 'csv', 'html'], description: 'In place of the header Accept.' })
  @IsOptional()
  @IsIn(['json', 'csv', 'html'])
  format?: 'json' | 'csv' | 'html';
}

export class RunListQueryDto {
  @ApiPropertyOptional({ minimum: 1, maximum: 100, default: 20 })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(100)
  limit: number = 20;

  @ApiPropertyOptional({ description: '`next` of the page before.' })
  @IsOptional()
  @Matches(/^rec_\w{1,60}$/, { message: 'before must be the id of a run' })
  before?: string;
}

export class BalanceComparisonDto {
  @ApiProperty({ example: 'stripe:clearing' })
  name!: string;

  @ApiProperty({ example: 'USD' })
  asset!: string;

  @ApiProperty({ description: 'In the books.', example: '120.5' })
  ours!: string;

  @ApiProperty({ description: 'At the other side.', example: '120.5' })
  theirs!: string;

  @ApiProperty({ description: 'What the other side has more.', example: '0' })
  difference!: string;
}

export class SideOutcomeDto {
  @ApiProperty({ enum: SIDE_NAMES })
  side!: string;

  @ApiProperty({
    enum: ['done', 'failed', 'skipped'],
    description: 'Failed: it could not be asked. Skipped: it is not configured, and the books have nothing of it.',
  })
  state!: string;

  @ApiProperty({ format: 'date-time' })
  at!: string;

  @ApiProperty({ type: 'object', additionalProperties: { type: 'integer' }, example: { transactions: 120 } })
  counts!: Readonly<Record<string, number>>;

  @ApiProperty({ type: [BalanceComparisonDto] })
  balances!: BalanceComparisonDto[];

  @ApiProperty({ description: 'How many things did not match.' })
  found!: number;

  @ApiProperty({ type: String, nullable: true })
  error!: string | null;
}

export class RunDto {
  @ApiProperty({ example: 'rec_019a8b2c3d4e7f60a1b2c3d4e5f60718' })
  id!: string;

  @ApiProperty({ enum: ['asked', 'nightly'] })
  kind!: string;

  @ApiProperty({ type: String, nullable: true, example: '2026-11-23', description: 'Of a nightly one, in UTC.' })
  day!: string | null;

  @ApiProperty({ enum: SIDE_NAMES, isArray: true })
  sides!: readonly string[];

  @ApiProperty({ format: 'date-time', description: 'Inclusive.' })
  from!: string;

  @ApiProperty({ format: 'date-time', description: 'Exclusive.' })
  to!: string;

  @ApiProperty({
    enum: RUN_STATES,
    description: 'Failed: a side could not be asked. Interrupted: its process has died.',
  })
  state!: string;

  @ApiProperty({ format: 'date-time' })
  createdAt!: string;

  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  startedAt!: string | null;

  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  finishedAt!: string | null;

  @ApiProperty({ type: [SideOutcomeDto], description: 'Of the sides that were asked so far.' })
  outcomes!: SideOutcomeDto[];
}

export class RunListDto {
  @ApiProperty({ type: [RunDto], description: 'Newest first.' })
  data!: RunDto[];

  @ApiProperty({ type: String, nullable: true, description: 'Send it as `before` for the next page; null at the end.' })
  next!: string | null;
}

export class PageLinkDto {
  @ApiProperty({ example: 'https://ai.example/reconciliation/report.tfz2o0.c2VhbA' })
  url!: string;

  @ApiProperty({ type: String, format: 'date-time' })
  expiresAt!: string;
}
