import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsInt, IsOptional, Matches, Max, Min } from 'class-validator';
import { ASSET_CODES } from '../common/asset';
import { formatMoney } from '../common/money';
import type { PostedEntry } from '../ledger/journal.service';
import type { Balance } from '../ledger/ledger-accounts.service';

export class BalanceQueryDto {
  @ApiPropertyOptional({ description: 'Left out: every account.' })
  @IsOptional()
  @Matches(/^\w{1,100}$/, { message: 'customerId must be the id of a customer' })
  customerId?: string;
}

export class EntryQueryDto extends BalanceQueryDto {
  @ApiPropertyOptional({ example: 'call_captured' })
  @IsOptional()
  @Matches(/^[a-z0-9_]{1,60}$/)
  kind?: string;

  @ApiPropertyOptional({ minimum: 1, maximum: 200, default: 50 })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(200)
  limit: number = 50;

  @ApiPropertyOptional({ description: '`next` of the page before.' })
  @IsOptional()
  @Matches(/^\d{1,18}$/)
  after?: string;
}

export class AccountBalanceDto {
  @ApiProperty({ example: 'customer:cus_019e…:credits' })
  account!: string;

  @ApiProperty({ enum: ASSET_CODES })
  asset!: string;

  @ApiProperty({ description: 'Credits minus debits, in whole units: what we owe is positive.', example: '24.5' })
  posted!: string;

  @ApiProperty({ description: 'Reserved for calls in flight.' })
  held!: string;

  @ApiProperty()
  available!: string;

  @ApiProperty({ description: 'Posted, in nano-USD or micro-USDC.' })
  postedAtoms!: string;

  @ApiProperty({ description: 'May not be spent until a debt is repaid.' })
  frozen!: boolean;
}

export class AccountBalanceListDto {
  @ApiProperty({ type: [AccountBalanceDto], description: 'By account.' })
  data!: AccountBalanceDto[];
}

export class PostingDto {
  @ApiProperty()
  line!: number;

  @ApiProperty({ description: 'Debited.' })
  from!: string;

  @ApiProperty({ description: 'Credited.' })
  to!: string;

  @ApiProperty({ enum: ASSET_CODES })
  asset!: string;

  @ApiProperty()
  atoms!: string;

  @ApiProperty({ description: 'In atoms.' })
  fromBalanceAfter!: string;

  @ApiProperty({ description: 'In atoms.' })
  toBalanceAfter!: string;
}

export class EntryDto {
  @ApiProperty()
  id!: string;

  @ApiProperty({ format: 'date-time' })
  postedAt!: string;

  @ApiProperty({ format: 'date-time' })
  effectiveAt!: string;

  @ApiProperty()
  kind!: string;

  @ApiProperty({ description: 'What makes a repeat harmless.' })
  key!: string;

  @ApiProperty({ type: String, nullable: true })
  customerId!: string | null;

  @ApiProperty({ type: 'object', additionalProperties: { type: 'string' }, nullable: true })
  memo!: Readonly<Record<string, string>> | null;

  @ApiProperty({ type: String, nullable: true, description: 'The entry that this one corrects.' })
  corrects!: string | null;

  @ApiProperty({ type: [PostingDto] })
  postings!: readonly PostingDto[];
}

export class EntryPageDto {
  @ApiProperty({ type: [EntryDto], description: 'Newest first.' })
  data!: EntryDto[];

  @ApiProperty({ type: String, nullable: true, description: 'Send it as `after` for the next page; null at the end.' })
  next!: string | null;
}

export class FaultDto {
  @ApiProperty()
  subject!: string;

  @ApiProperty()
  expected!: string;

  @ApiProperty()
  found!: string;
}

export class CheckDto {
  @ApiProperty({ example: 'zero_sum' })
  name!: string;

  @ApiProperty({ description: 'What holds when it passes.' })
  claim!: string;

  @ApiProperty({ description: 'What to do when it does not pass.' })
  remedy!: string;

  @ApiProperty()
  ok!: boolean;

  @ApiProperty({ description: 'How many rows or accounts were looked at.' })
  checked!: number;

  @ApiProperty({ type: [FaultDto], description: 'The first twenty.' })
  faults!: readonly FaultDto[];
}

export class ChainHeadDto {
  @ApiProperty({ description: 'Links of the chain are numbered from 1 without a gap.', example: '48213' })
  seq!: string;

  @ApiProperty({ description: 'SHA-256 over the link before and the postings of the flush, in hex.' })
  hash!: string;

  @ApiProperty({ format: 'date-time' })
  postedAt!: string;
}

export class LedgerHeadDto {
  @ApiProperty({ type: ChainHeadDto, nullable: true, description: 'Null when nothing was ever posted.' })
  head!: ChainHeadDto | null;
}

export class VerificationReportDto {
  @ApiProperty()
  ok!: boolean;

  @ApiProperty({ format: 'date-time', description: 'The instant whose books these are.' })
  takenAt!: string;

  @ApiProperty({ type: ChainHeadDto, nullable: true, description: 'The end of the chain; null on empty books.' })
  head!: ChainHeadDto | null;

  @ApiProperty({ type: String, nullable: true, description: 'The link from which an interrupted run went on.' })
  resumedAt!: string | null;

  @ApiProperty({ type: [CheckDto] })
  checks!: readonly CheckDto[];
}

export const toAccountBalance = ({
  code,
  posted,
  held,
  available,
  frozen,
}: Balance & { code: string }): AccountBalanceDto => ({
  account: code,
  asset: posted.asset,
  posted: formatMoney(posted),
  held: formatMoney(held),
  available: formatMoney(available),
  postedAtoms: posted.atoms.toString(),
  frozen,
});

export const toEntryDto = (entry: PostedEntry): EntryDto => ({
  ...entry,
  id: entry.id.toString(),
  postedAt: entry.postedAt.toISOString(),
  effectiveAt: entry.effectiveAt.toISOString(),
  corrects: entry.corrects?.toString() ?? null,
});
