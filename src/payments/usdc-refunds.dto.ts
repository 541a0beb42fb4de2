import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsBoolean, IsIn, IsInt, IsOptional, IsString, IsUUID, Matches, Max, MaxLength, Min } from 'class-validator';
import { formatMoney } from '../common/money';
import { type RefundDestination, USDC_REFUND_STATES, type UsdcRefund } from './usdc-refund';

const REFUND_ID = 'urf_019a8b2c3d4e7f60a1b2c3d4e5f60718';
const CALL_ID = '019a8b2c-3d4e-7f60-a1b2-c3d4e5f60718';

/** What to give back: one of `callId`, `topUpId`, `paymentId`. */
export class NewUsdcRefundDto {
  @ApiPropertyOptional({ example: CALL_ID, description: 'A call, as in its x-request-id.' })
  @IsOptional()
  @IsUUID('7')
  callId?: string;

  @ApiPropertyOptional({ example: CALL_ID, description: 'A top-up in USDC: the id in its answer.' })
  @IsOptional()
  @IsUUID('7')
  topUpId?: string;

  @ApiPropertyOptional({
    example: 'exact:eip155:8453:0x8335…:0x7099…:0x5b8f…',
    description: 'What is left of a whole payment: payment_id in the usage export.',
  })
  @IsOptional()
  @IsString()
  @Matches(/^\P{Cc}{1,400}$/u, { message: 'paymentId must be one of the usage export' })
  paymentId?: string;

  @ApiProperty({ enum: ['payer', 'balance'], description: "To the payer on the chain, or to the wallet's balance." })
  @IsIn(['payer', 'balance'])
  to!: RefundDestination;

  @ApiPropertyOptional({ example: '1.5', description: 'In USDC; left out: all that may go back.' })
  @IsOptional()
  @Matches(/^\d{1,12}(\.\d{1,6})?$/, { message: 'amount must be a plain decimal such as "1.50"' })
  amount?: string;

  @ApiPropertyOptional({
    default: false,
    description: 'Of a top-up of a USD balance, also what is used up; its customer owes that then.',
  })
  @IsOptional()
  @IsBoolean()
  force?: boolean;

  @ApiPropertyOptional({ example: 'The answer was cut off.', description: 'Why, for the record.' })
  @IsOptional()
  @IsString()
  @MaxLength(500)
  reason?: string;

  @ApiPropertyOptional({
    example: 'eip155:8453',
    description: "For a call that a wallet's balance paid; others go back where they came from.",
  })
  @IsOptional()
  @Matches(/^eip155:\d{1,20}$/, { message: 'network must be CAIP-2, such as "eip155:8453"' })
  network?: string;
}

/** Which refunds to list. */
export class ListUsdcRefundsDto {
  @ApiPropertyOptional({ description: "The wallet's customer." })
  @IsOptional()
  @IsString()
  @MaxLength(100)
  customerId?: string;

  @ApiPropertyOptional({ example: CALL_ID })
  @IsOptional()
  @IsUUID('7')
  callId?: string;

  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: 200, default: 50 })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(200)
  limit: number = 50;

  @ApiPropertyOptional({ example: REFUND_ID, description: 'The last id of the page before: older ones follow.' })
  @IsOptional()
  @Matches(/^urf_\w{1,60}$/, { message: 'before must be the id of a refund in USDC' })
  before?: string;
}

/** A refund in USDC as the API shows it. */
export class UsdcRefundDto {
  @ApiProperty({ example: REFUND_ID })
  id!: string;

  @ApiProperty({ enum: ['call', 'top_up', 'transfer'], description: 'What was paid for.' })
  source!: string;

  @ApiProperty({ type: String, nullable: true, example: CALL_ID })
  callId!: string | null;

  @ApiProperty({ type: String, nullable: true })
  paymentId!: string | null;

  @ApiProperty({ example: 'cus_019a8b2c3d4e7f60a1b2c3d4e5f60718', description: 'The customer behind the wallet.' })
  customerId!: string;

  @ApiProperty({ type: String, nullable: true, description: 'Whose USD balance a top-up had gone to.' })
  toppedUp!: string | null;

  @ApiProperty({ enum: ['payer', 'balance'] })
  to!: string;

  @ApiProperty({ enum: USDC_REFUND_STATES, example: 'sent' })
  state!: string;

  @ApiProperty({ example: '1.5', description: 'In USDC.' })
  amount!: string;

  @ApiProperty({ example: '0', description: 'What of it was used up already, in USD: it is owed.' })
  owed!: string;

  @ApiProperty({ type: String, nullable: true, example: '0x5b8f…', description: 'On the chain, once it is mined.' })
  transaction!: string | null;

  @ApiProperty({ type: String, nullable: true, example: null })
  reason!: string | null;

  @ApiProperty({ type: String, format: 'date-time', example: '2026-11-23T07:00:00.000Z' })
  createdAt!: string;

  @ApiProperty({ type: String, format: 'date-time', nullable: true, example: null })
  finishedAt!: string | null;
}

/** One page of refunds in USDC, newest first. */
export class UsdcRefundListDto {
  @ApiProperty({ type: [UsdcRefundDto] })
  data!: UsdcRefundDto[];

  @ApiProperty({ example: false, description: 'Whether older ones follow: ask again with before = the last id.' })
  hasMore!: boolean;
}

export const toUsdcRefundDto = (refund: UsdcRefund): UsdcRefundDto => ({
  id: refund.id,
  source: refund.source,
  callId: refund.callId,
  paymentId: refund.paymentId,
  customerId: refund.walletId,
  toppedUp: refund.toppedUp,
  to: refund.destination,
  state: refund.state,
  amount: formatMoney(refund.amount),
  owed: formatMoney(refund.owed),
  transaction: refund.transaction,
  reason: refund.reason,
  createdAt: refund.createdAt.toISOString(),
  finishedAt: refund.finishedAt?.toISOString() ?? null,
});
