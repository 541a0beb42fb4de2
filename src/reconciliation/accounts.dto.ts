import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsIn, IsInt, IsISO8601, IsOptional, IsString, Length, Matches, Max, Min } from 'class-validator';
import { ASSET_CODES, type AssetCode } from '../common/asset';
import { formatMoney, type Money } from '../common/money';
import type { Period } from '../common/period';
import type { DatedBy, Statement } from '../ledger/account-history.service';

const BY = 'posted: when it was written; effective: when what it tells happened. A back-dated entry makes them differ.';

class AccountQueryDto {
  @ApiPropertyOptional({ enum: ASSET_CODES, default: 'USD' })
  @IsOptional()
  @IsIn(ASSET_CODES)
  asset: AssetCode = 'USD';

  @ApiPropertyOptional({ enum: ['posted', 'effective'], default: 'posted', description: BY })
  @IsOptional()
  @IsIn(['posted', 'effective'])
  by: DatedBy = 'posted';
}

export class AccountAtQueryDto extends AccountQueryDto {
  @ApiPropertyOptional({ description: 'ISO 8601 in UTC, inclusive. Left out: now.', example: '2026-11-01T00:00:00Z' })
  @IsOptional()
  @IsString()
  at?: string;
}

export class StatementQueryDto extends AccountQueryDto {
  @ApiPropertyOptional({ description: 'ISO 8601 in UTC, inclusive.', example: '2026-11-01' })
  @IsOptional()
  @IsString()
  from?: string;

  @ApiPropertyOptional({ description: 'ISO 8601 in UTC, exclusive.', example: '2026-12-01' })
  @IsOptional()
  @IsString()
  to?: string;

  @ApiPropertyOptional({ minimum: 1, maximum: 1000, default: 100 })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(1000)
  limit: number = 100;

  @ApiPropertyOptional({ description: '`next` of the page before.' })
  @IsOptional()
  @Matches(/^[\w-]{1,120}$/)
  cursor?: string;
}

export class AccountAtDto {
  @ApiProperty({ example: 'customer:cus_019e…:credits' })
  account!: string;

  @ApiProperty({ enum: ASSET_CODES })
  asset!: string;

  @ApiProperty({ format: 'date-time', description: 'Everything dated until here counts.' })
  at!: string;

  @ApiProperty({ enum: ['posted', 'effective'] })
  by!: string;

  @ApiProperty({ description: 'Credits minus debits, in whole units.', example: '24.5' })
  balance!: string;

  @ApiProperty({ description: 'The same in nano-USD or micro-USDC.' })
  atoms!: string;
}

export class StatementLineDto {
  @ApiProperty()
  entryId!: string;

  @ApiProperty()
  line!: number;

  @ApiProperty({ format: 'date-time' })
  postedAt!: string;

  @ApiProperty({ format: 'date-time' })
  effectiveAt!: string;

  @ApiProperty()
  kind!: string;

  @ApiProperty()
  key!: string;

  @ApiProperty({ description: 'The account on the other side.' })
  counterparty!: string;

  @ApiProperty({ description: 'Received; negative for what was given.', example: '-0.0012' })
  amount!: string;

  @ApiProperty({ description: 'After this line.' })
  balance!: string;

  @ApiProperty({ type: String, nullable: true, description: 'The entry that this one corrects.' })
  corrects!: string | null;
}

export class StatementDto {
  @ApiProperty()
  account!: string;

  @ApiProperty({ enum: ASSET_CODES })
  asset!: string;

  @ApiProperty({ enum: ['posted', 'effective'] })
  by!: string;

  @ApiProperty({ format: 'date-time', description: 'Inclusive.' })
  from!: string;

  @ApiProperty({ format: 'date-time', description: 'Exclusive.' })
  to!: string;

  @ApiProperty({ description: 'Of the whole period, not of the page.' })
  opening!: string;

  @ApiProperty({ description: 'Of the whole period, not of the page.' })
  closing!: string;

  @ApiProperty({ type: [StatementLineDto], description: 'Oldest first.' })
  data!: StatementLineDto[];

  @ApiProperty({ type: String, nullable: true, description: 'Send it as `cursor` for the next page; null at the end.' })
  next!: string | null;
}

export class CorrectionRequestDto {
  @ApiProperty({ description: 'For whoever reads the books later.', example: 'The fee was charged twice.' })
  @IsString()
  @Length(3, 500)
  reason!: string;

  @ApiPropertyOptional({ format: 'date-time', description: 'Left out: now.' })
  @IsOptional()
  @IsISO8601({ strict: true })
  effectiveAt?: string;
}

export class CorrectionDto {
  @ApiProperty({ description: 'The new entry.' })
  entryId!: string;

  @ApiProperty()
  corrects!: string;
}

export const toAccountAt = (at: { account: string; at: Date; by: DatedBy; balance: Money }): AccountAtDto => ({
  account: at.account,
  asset: at.balance.asset,
  at: at.at.toISOString(),
  by: at.by,
  balance: formatMoney(at.balance),
  atoms: at.balance.atoms.toString(),
});

export function toStatementDto(
  of: { account: string; asset: AssetCode; period: Period; by: DatedBy },
  { opening, closing, lines, next }: Statement,
): StatementDto {
  const decimal = (atoms: bigint) => formatMoney({ asset: of.asset, atoms });
  return {
    account: of.account,
    asset: of.asset,
    by: of.by,
    from: of.period.from.toISOString(),
    to: of.period.to.toISOString(),
    opening: decimal(opening),
    closing: decimal(closing),
    data: lines.map((line) => ({
      entryId: line.entryId.toString(),
      line: line.line,
      postedAt: line.postedAt.toISOString(),
      effectiveAt: line.effectiveAt.toISOString(),
      kind: line.kind,
      key: line.key,
      counterparty: line.counterparty,
      amount: decimal(line.atoms),
      balance: decimal(line.balance),
      corrects: line.corrects?.toString() ?? null,
    })),
    next,
  };
}
