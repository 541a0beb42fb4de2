import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsInt, Max, Min } from 'class-validator';
import { PAYOUT_STATES } from './payout';
import type { Payout } from './payout-store.service';

/** How many payouts to list. */
export class ListPayoutsDto {
  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: 1000, default: 100 })
  @Transform(({ value }) => Number(value))
  @IsInt()
  @Min(1)
  @Max(1000)
  limit: number = 100;
}

/** A payout as the API shows it. */
export class PayoutDto {
  @ApiProperty({ example: 'po_1Qabc', description: 'At Stripe.' })
  id!: string;

  @ApiProperty({ enum: PAYOUT_STATES, example: 'paid' })
  state!: string;

  @ApiProperty({ description: 'Made by Stripe, on its schedule.' })
  automatic!: boolean;

  @ApiProperty({ example: 'usd' })
  currency!: string;

  @ApiProperty({ example: '9680', description: 'In smallest units; negative for one that took money from the bank.' })
  amountMinor!: string;

  @ApiProperty({ type: String, format: 'date-time', example: '2026-11-25T00:00:00.000Z' })
  arrivesAt!: string;

  @ApiProperty({ type: String, nullable: true, example: '021000020123456', description: 'What the bank names it by.' })
  traceId!: string | null;

  @ApiProperty({ type: String, nullable: true, example: null })
  failureCode!: string | null;

  @ApiProperty({ type: String, format: 'date-time', nullable: true, example: '2026-11-24T00:31:00.000Z' })
  tiedOutAt!: string | null;

  @ApiProperty({
    type: String,
    nullable: true,
    example: '0',
    description: 'What is behind it, less its amount; `0` when that adds up, `null` until it was looked at.',
  })
  differenceMinor!: string | null;

  @ApiProperty({ type: String, format: 'date-time', example: '2026-11-23T00:01:00.000Z' })
  createdAt!: string;
}

/** Payouts, newest first. */
export class PayoutListDto {
  @ApiProperty({ type: [PayoutDto] })
  data!: PayoutDto[];
}

export const toPayoutDto = (payout: Payout): PayoutDto => ({
  id: payout.id,
  state: payout.state,
  automatic: payout.automatic,
  currency: payout.currency,
  amountMinor: payout.amount.toString(),
  arrivesAt: payout.arrivesAt.toISOString(),
  traceId: payout.traceId,
  failureCode: payout.failureCode,
  tiedOutAt: payout.tiedOutAt?.toISOString() ?? null,
  differenceMinor: payout.difference?.toString() ?? null,
  createdAt: payout.createdAt.toISOString(),
});
