import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsBoolean, IsInt, IsOptional, IsString, Matches, Max, MaxLength, Min } from 'class-validator';
import { formatAtoms, formatMoney } from '../common/money';
import type { TopUpsConfig } from '../config/config';
import { centsToUsd, TOP_UP_STATES, type TopUp } from './topup';

const TOP_UP_ID = 'top_019a8b2c3d4e7f60a1b2c3d4e5f60718';
const CUSTOMER_ID = 'cus_019a8b2c3d4e7f60a1b2c3d4e5f60718';

/** What to top up. */
export class CreateTopUpDto {
  @ApiProperty({
    type: 'integer',
    example: 2500,
    description: 'Cents of `currency`; GET /v1/topups/options says what.',
  })
  @IsInt({ message: 'amountCents must be a whole number of cents' })
  amountCents!: number;

  @ApiPropertyOptional({ example: 'usd', description: 'ISO 4217 in lower case; left out: the first that is taken.' })
  @IsOptional()
  @Matches(/^[a-z]{3}$/, { message: 'currency must be three small letters' })
  currency?: string;

  @ApiPropertyOptional({
    default: false,
    description: 'Keep the card for auto-reload, with the consent of its holder.',
  })
  @IsOptional()
  @IsBoolean()
  saveCard?: boolean;

  @ApiPropertyOptional({ example: CUSTOMER_ID, description: 'For the operator, who has no customer of its own.' })
  @IsOptional()
  @IsString()
  @MaxLength(100)
  customerId?: string;
}

/** Which top-ups to list. */
export class ListTopUpsDto {
  @ApiPropertyOptional({ example: CUSTOMER_ID, description: 'For the operator; left out: of all customers.' })
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

  @ApiPropertyOptional({ example: TOP_UP_ID, description: 'The last id of the page before: older ones follow.' })
  @IsOptional()
  @Matches(/^top_\w{1,60}$/, { message: 'before must be the id of a top-up' })
  before?: string;
}

/** A top-up as the API shows it. */
export class TopUpDto {
  @ApiProperty({ example: TOP_UP_ID })
  id!: string;

  @ApiProperty({ example: CUSTOMER_ID })
  customerId!: string;

  @ApiProperty({ enum: ['card', 'usdc'], example: 'card' })
  rail!: string;

  @ApiProperty({ enum: TOP_UP_STATES, example: 'pending' })
  state!: string;

  @ApiProperty({ example: '25', description: 'What was asked for, a plain decimal.' })
  amount!: string;

  @ApiProperty({ type: String, nullable: true, example: null, description: 'What arrived; null before it did.' })
  paid!: string | null;

  @ApiProperty({ enum: ['USD', 'USDC'], example: 'USD', description: 'What amounts here are in.' })
  currency!: string;

  @ApiProperty({ example: '0', description: 'Promotional credit on top: promised, and given once it is paid.' })
  bonus!: string;

  @ApiProperty({ example: '0', description: 'Paid on top of `paid`; not credit.' })
  tax!: string;

  @ApiProperty({ example: 'usd', description: 'What is paid in.' })
  paidIn!: string;

  @ApiProperty({ enum: ['checkout', 'reload'], description: '`reload`: it started itself.' })
  origin!: string;

  @ApiProperty({
    type: String,
    nullable: true,
    example: 'https://checkout.stripe.com/c/pay/cs_live_a1b2c3',
    description: 'The page to pay on; null once it is over.',
  })
  url!: string | null;

  @ApiProperty({ type: String, format: 'date-time', example: '2026-11-23T07:00:00.000Z' })
  createdAt!: string;

  @ApiProperty({ type: String, format: 'date-time', nullable: true, example: null })
  paidAt!: string | null;
}

/** One page of top-ups. */
export class TopUpListDto {
  @ApiProperty({ type: [TopUpDto] })
  data!: TopUpDto[];

  @ApiProperty({ example: false, description: 'Whether older ones follow: ask again with before = the last id.' })
  hasMore!: boolean;
}

export function toTopUpDto(topUp: TopUp): TopUpDto {
  return {
    id: topUp.id,
    customerId: topUp.customerId,
    rail: topUp.rail,
    state: topUp.state,
    amount: formatMoney(topUp.amount),
    paid: topUp.paid && formatMoney(topUp.paid),
    currency: topUp.amount.asset,
    bonus: formatMoney(topUp.bonus),
    tax: formatMoney(topUp.tax),
    paidIn: topUp.rail === 'card' ? topUp.currency : 'usdc',
    origin: topUp.origin,
    url: topUp.url,
    createdAt: topUp.createdAt.toISOString(),
    paidAt: topUp.paidAt?.toISOString() ?? null,
  };
}

/** What may be topped up here. */
export class TopUpOptionsDto {
  @ApiProperty({ example: 500, description: 'US cents.' })
  minCents!: number;

  @ApiProperty({ example: 1_000_000 })
  maxCents!: number;

  @ApiProperty({ type: [Object], example: [{ from: '25', bonus: '1' }], description: 'USD, by what is paid at once.' })
  tiers!: { from: string; bonus: string }[];

  @ApiProperty({ type: [Object], example: [{ code: 'eur', usd: '1.08' }], description: 'With their fixed rates.' })
  currencies!: { code: string; usd: string }[];

  @ApiProperty({ description: 'Whether tax is added on the page.' })
  tax!: boolean;
}

export const toTopUpOptionsDto = ({ minCents, maxCents, tiers, currencies, tax }: TopUpsConfig): TopUpOptionsDto => ({
  minCents,
  maxCents,
  tiers: tiers.map(({ fromCents, bonusCents }) => ({
    from: formatMoney(centsToUsd(fromCents)),
    bonus: formatMoney(centsToUsd(bonusCents)),
  })),
  currencies: currencies.map(({ code, atomsPerMinor }) => ({ code, usd: formatAtoms(atomsPerMinor, 7) })),
  tax,
});

export class ReceiptDto {
  @ApiProperty({ example: 'https://pay.stripe.com/receipts/payment/a1b2c3', description: 'Asked for anew each time.' })
  url!: string;
}
