import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsBoolean, IsInt, IsOptional, IsString, Matches, Max, MaxLength, Min } from 'class-validator';
import { formatMoney } from '../../common/money';
import { REFUND_ORIGINS, REFUND_STATES, type Refund } from './refund';

const REFUND_ID = 'rfd_019a8b2c3d4e7f60a1b2c3d4e5f60718';

/** What to give back. */
export class NewRefundDto {
  @ApiPropertyOptional({
    type: 'integer',
    example: 1000,
    description: 'Smallest units of what was paid in, with the tax; left out: all that may go back.',
  })
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(99_999_999)
  amountCents?: number;

  @ApiPropertyOptional({ default: false, description: 'Also what is used up; the customer owes that then.' })
  @IsOptional()
  @IsBoolean()
  force?: boolean;

  @ApiPropertyOptional({ example: 'The customer moved on.', description: 'Why, for the record.' })
  @IsOptional()
  @IsString()
  @MaxLength(500)
  reason?: string;

  @ApiPropertyOptional({ example: 'pi_3Qabc', description: 'Which payment of the top-up; left out: the first.' })
  @IsOptional()
  @IsString()
  @MaxLength(100)
  paymentIntentId?: string;
}

/** Which refunds to list. */
export class ListRefundsDto {
  @ApiPropertyOptional({ description: 'For the operator; left out: of all customers.' })
  @IsOptional()
  @IsString()
  @MaxLength(100)
  customerId?: string;

  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: 200, default: 50 })
  @Transform(({ value }) => Number(value))
  @IsInt()
  @Min(1)
  @Max(200)
  limit: number = 50;

  @ApiPropertyOptional({ example: REFUND_ID, description: 'The last id of the page before: older ones follow.' })
  @IsOptional()
  @Matches(/^rfd_\w{1,60}$/, { message: 'before must be the id of a refund' })
  before?: string;
}

/** A refund as the API shows it. Amounts are plain decimals of USD. */
export class RefundDto {
  @ApiProperty({ example: REFUND_ID })
  id!: string;

  @ApiProperty({ type: String, nullable: true, example: 'top_019a8b2c3d4e7f60a1b2c3d4e5f60718' })
  topUpId!: string | null;

  @ApiProperty({ type: String, nullable: true, example: 'cus_019a8b2c3d4e7f60a1b2c3d4e5f60718' })
  customerId!: string | null;

  @ApiProperty({ enum: REFUND_STATES, example: 'succeeded' })
  state!: string;

  @ApiProperty({ enum: REFUND_ORIGINS, example: 'operator', description: 'Who started it.' })
  origin!: string;

  @ApiProperty({ example: '10.9', description: 'What goes back to the card.' })
  amount!: string;

  @ApiProperty({ example: '10', description: 'Of which credit.' })
  credit!: string;

  @ApiProperty({ example: '0.9', description: 'Of which tax.' })
  tax!: string;

  @ApiProperty({ example: '0', description: 'Promotional credit that was voided with it.' })
  bonusVoided!: string;

  @ApiProperty({ example: '0', description: 'Of the credit, what was used up already: it is owed.' })
  owed!: string;

  @ApiProperty({ type: String, nullable: true, example: null })
  reason!: string | null;

  @ApiProperty({ type: String, nullable: true, example: null, description: 'Why it failed, as Stripe says it.' })
  failureReason!: string | null;

  @ApiProperty({ type: String, format: 'date-time', example: '2026-11-23T07:00:00.000Z' })
  createdAt!: string;

  @ApiProperty({ type: String, format: 'date-time', nullable: true, example: null })
  finishedAt!: string | null;
}

/** One page of refunds. */
export class RefundListDto {
  @ApiProperty({ type: [RefundDto] })
  data!: RefundDto[];

  @ApiProperty({ example: false, description: 'Whether older ones follow: ask again with before = the last id.' })
  hasMore!: boolean;
}

export const toRefundDto = (refund: Refund): RefundDto => ({
  id: refund.id,
  topUpId: refund.topUpId,
  customerId: refund.customerId,
  state: refund.state,
  origin: refund.origin,
  amount: formatMoney(refund.gross),
  credit: formatMoney(refund.credit),
  tax: formatMoney(refund.tax),
  bonusVoided: formatMoney(refund.bonus),
  owed: formatMoney(refund.owed),
  reason: refund.reason,
  failureReason: refund.failureReason,
  createdAt: refund.createdAt.toISOString(),
  finishedAt: refund.finishedAt?.toISOString() ?? null,
});
