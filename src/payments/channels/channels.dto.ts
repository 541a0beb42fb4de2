import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsInt, IsOptional, Max, Min } from 'class-validator';
import type { Hex } from 'viem';
import { DELAY_PARTS } from './claim-policy';

export class OwingChannelQueryDto {
  @ApiPropertyOptional({ minimum: 1, maximum: 1000, default: 100 })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(1000)
  limit: number = 100;
}

/** Amounts are atoms of the token. */
export class OwingChannelDto {
  @ApiProperty({ example: '0x3f…' })
  id!: string;

  @ApiProperty({ example: 'eip155:8453' })
  network!: string;

  @ApiProperty()
  payer!: string;

  @ApiProperty({ example: '250000', description: 'Delivered, and not claimed yet.' })
  owed!: string;

  @ApiProperty({ description: 'The payer asked for the money back: it is claimed at once.' })
  withdrawalRequested!: boolean;

  @ApiProperty({ format: 'date-time', type: String, nullable: true, description: 'By then it is claimed, if it pays.' })
  claimBy!: string | null;

  @ApiProperty({ description: 'How many tries in a row the chain did not take.' })
  failures!: number;

  @ApiProperty({ type: String, nullable: true, description: 'Why it was not taken last.', example: 'InvalidSignature' })
  fault!: string | null;

  @ApiProperty({
    format: 'date-time',
    type: String,
    nullable: true,
    description: 'Not tried before; null: at any time.',
  })
  nextTry!: string | null;
}

export class OwingChannelListDto {
  @ApiProperty({ type: [OwingChannelDto] })
  data!: OwingChannelDto[];
}

/** A channel that owes us something, as its table has it. */
export interface OwingChannelRow {
  channel_id: Hex;
  network: string;
  config: { payer: string; withdrawDelay: number };
  owed: bigint;
  withdraw_requested_at: bigint;
  unclaimed_since: Date | null;
  claim_failures: number;
  claim_fault: string | null;
  claim_not_before: Date | null;
  speaks_for: boolean;
}

export const toOwingChannel = (row: OwingChannelRow): OwingChannelDto => ({
  id: row.channel_id,
  network: row.network,
  payer: row.config.payer,
  owed: row.owed.toString(),
  withdrawalRequested: row.withdraw_requested_at > 0n,
  claimBy: deadlineOf(row)?.toISOString() ?? null,
  failures: row.claim_failures,
  fault: row.speaks_for ? row.claim_fault : AUTHORIZER_CHANGED,
  nextTry: row.claim_not_before?.toISOString() ?? null,
});

/** What no try can heal, and a key can. */
const AUTHORIZER_CHANGED = 'The channel names another receiverAuthorizer than EVM_AUTHORIZER_KEY.';

const deadlineOf = ({ unclaimed_since, config }: OwingChannelRow): Date | undefined =>
  unclaimed_since === null
    ? undefined
    : new Date(unclaimed_since.getTime() + (config.withdrawDelay * 1000) / DELAY_PARTS);
