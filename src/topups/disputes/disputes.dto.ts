import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsInt, IsOptional, IsString, Max, MaxLength, Min } from 'class-validator';
import { formatMoney } from '../../common/money';
import { type Dispute, DISPUTE_PHASES } from './dispute';

/** Which disputes to list. */
export class ListDisputesDto {
  @ApiPropertyOptional({ description: 'Left out: of all customers.' })
  @IsOptional()
  @IsString()
  @MaxLength(100)
  customerId?: string;

  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: 1000, default: 100 })
  @Transform(({ value }) => Number(value))
  @IsInt()
  @Min(1)
  @Max(1000)
  limit: number = 100;
}

/** A dispute as the API shows it. Amounts are plain decimals of USD. */
export class DisputeDto {
  @ApiProperty({ example: 'dp_1Qabc', description: 'At Stripe.' })
  id!: string;

  @ApiProperty({ example: 'pi_3Qabc' })
  paymentIntentId!: string;

  @ApiProperty({ type: String, nullable: true, example: 'top_019a8b2c3d4e7f60a1b2c3d4e5f60718' })
  topUpId!: string | null;

  @ApiProperty({ type: String, nullable: true, example: 'cus_019a8b2c3d4e7f60a1b2c3d4e5f60718' })
  customerId!: string | null;

  @ApiProperty({ enum: DISPUTE_PHASES, example: 'open' })
  phase!: string;

  @ApiProperty({ example: 'needs_response', description: 'In the words of Stripe.' })
  status!: string;

  @ApiProperty({ example: 'fraudulent' })
  reason!: string;

  @ApiProperty({ example: '100', description: 'What is disputed.' })
  amount!: string;

  @ApiProperty({ example: '0', description: 'What was taken from the customer when it was lost.' })
  lost!: string;

  @ApiProperty({ example: '0', description: 'Of which was used up already: it is owed.' })
  owed!: string;

  @ApiProperty({
    type: String,
    format: 'date-time',
    nullable: true,
    example: null,
    description: 'Evidence until then.',
  })
  dueBy!: string | null;

  @ApiProperty({ type: String, format: 'date-time', example: '2026-11-23T07:00:00.000Z' })
  createdAt!: string;

  @ApiProperty({ type: String, format: 'date-time', nullable: true, example: null })
  closedAt!: string | null;
}

/** Disputes, newest first. */
export class DisputeListDto {
  @ApiProperty({ type: [DisputeDto] })
  data!: DisputeDto[];
}

export const toDisputeDto = (dispute: Dispute): DisputeDto => ({
  id: dispute.id,
  paymentIntentId: dispute.paymentIntentId,
  topUpId: dispute.topUpId,
  customerId: dispute.customerId,
  phase: dispute.phase,
  status: dispute.status,
  reason: dispute.reason,
  amount: formatMoney(dispute.gross),
  lost: formatMoney(dispute.lost.credit),
  owed: formatMoney(dispute.owed),
  dueBy: dispute.dueBy?.toISOString() ?? null,
  createdAt: dispute.createdAt.toISOString(),
  closedAt: dispute.closedAt?.toISOString() ?? null,
});
