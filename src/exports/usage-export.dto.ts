import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsOptional, IsString, Matches } from 'class-validator';

/** What a usage export is made of. The CSV and its manifest take the same. */
export class UsageExportQueryDto {
  @ApiPropertyOptional({
    description: 'ISO 8601 in UTC, inclusive. Left out: the first of this month.',
    example: '2026-11-01',
  })
  @IsOptional()
  @IsString()
  from?: string;

  @ApiPropertyOptional({
    description: 'ISO 8601 in UTC, exclusive. Left out: the first of next month.',
    example: '2026-12-01',
  })
  @IsOptional()
  @IsString()
  to?: string;

  @ApiPropertyOptional({ description: 'For the operator: one customer. A key sees its own customer only.' })
  @IsOptional()
  @Matches(/^\w{1,100}$/, { message: 'customerId must be the id of a customer' })
  customerId?: string;

  @ApiPropertyOptional({ enum: ['true', 'false'], description: 'A byte order mark first, for Excel.' })
  @IsOptional()
  @IsIn(['true', 'false'])
  bom?: string;
}

export class ManifestPeriodDto {
  @ApiProperty({ format: 'date-time', description: 'Inclusive.' })
  from!: string;

  @ApiProperty({ format: 'date-time', description: 'Exclusive.' })
  to!: string;
}

export class ManifestFilterDto {
  @ApiProperty({ type: String, nullable: true })
  customerId!: string | null;

  @ApiProperty()
  bom!: boolean;
}

export class AssetTotalDto {
  @ApiProperty({ enum: ['USD', 'USDC'] })
  asset!: string;

  @ApiProperty()
  rows!: number;

  @ApiProperty({ description: 'Nano-USD or micro-USDC.', example: '345000' })
  atoms!: string;

  @ApiProperty({ description: 'A plain decimal.', example: '0.000345' })
  amount!: string;
}

export class LedgerHeadDto {
  @ApiProperty({ description: 'The number of the last link of the hash chain.', example: '48213' })
  seq!: string;

  @ApiProperty({ description: 'SHA-256 in hex, over the link before it and the postings of its flush.' })
  hash!: string;

  @ApiProperty({ format: 'date-time' })
  postedAt!: string;
}

export class UsageManifestDto {
  @ApiProperty({ enum: ['tollbridge.usage'] })
  schema!: string;

  @ApiProperty({ enum: [1] })
  schemaVersion!: number;

  @ApiProperty({ type: ManifestPeriodDto })
  period!: ManifestPeriodDto;

  @ApiProperty({ type: ManifestFilterDto })
  filter!: ManifestFilterDto;

  @ApiProperty({ description: 'Nothing can be added to the period any more: the same query gives the same bytes.' })
  closed!: boolean;

  @ApiProperty()
  rows!: number;

  @ApiProperty({ type: [AssetTotalDto] })
  totals!: AssetTotalDto[];

  @ApiProperty({ description: 'Sum of the column cost_nano.' })
  totalCostNano!: string;

  @ApiProperty()
  bytes!: number;

  @ApiProperty({ description: 'Of exactly the bytes of the CSV, in hex.' })
  sha256!: string;

  @ApiProperty({ type: LedgerHeadDto, nullable: true })
  ledgerHead!: LedgerHeadDto | null;

  @ApiProperty({ format: 'date-time' })
  generatedAt!: string;
}
