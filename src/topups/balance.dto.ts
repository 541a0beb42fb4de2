import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsOptional, IsString, MaxLength } from 'class-validator';
import { formatMoney, type Money } from '../common/money';
import type { AssetBalance } from './balances.service';

/** Whose balance to show. */
export class BalanceQueryDto {
  @ApiPropertyOptional({ example: 'cus_019a8b2c3d4e7f60a1b2c3d4e5f60718', description: 'For the operator.' })
  @IsOptional()
  @IsString()
  @MaxLength(100)
  customerId?: string;

  @ApiPropertyOptional({ example: '2026-11-01T00:00:00Z', description: 'ISO 8601 in UTC: as the books were then.' })
  @IsOptional()
  @IsString()
  @MaxLength(40)
  at?: string;
}

/** What was there and owed in one currency at an instant, by posting date. Plain decimals, exact. */
export class PastCurrencyBalanceDto {
  @ApiProperty({ enum: ['USD', 'USDC'], example: 'USD' })
  currency!: string;

  @ApiProperty({ example: '24.5125', description: 'Prepaid and not used; below zero, used and not paid.' })
  posted!: string;

  @ApiProperty({ example: '0', description: 'What calls had cost beyond what was prepaid.' })
  owed!: string;
}

/** A customer's balances as they were. What was held then is not kept. */
export class PastBalanceDto {
  @ApiProperty({ example: 'cus_019a8b2c3d4e7f60a1b2c3d4e5f60718' })
  customerId!: string;

  @ApiProperty({ format: 'date-time' })
  at!: string;

  @ApiProperty({ type: [PastCurrencyBalanceDto] })
  balances!: PastCurrencyBalanceDto[];
}

/** The same amounts as whole atoms: 10^-9 USD, 10^-6 USDC. */
export class BalanceAtomsDto {
  @ApiProperty({ example: '24012500000' })
  available!: string;

  @ApiProperty({ example: '500000000' })
  held!: string;

  @ApiProperty({ example: '24512500000' })
  posted!: string;

  @ApiProperty({ example: '0' })
  owed!: string;
}

/** A balance in one currency. Plain decimals, exact. */
export class CurrencyBalanceDto {
  @ApiProperty({ enum: ['USD', 'USDC'], example: 'USD' })
  currency!: string;

  @ApiProperty({
    example: '24.0125',
    description: 'What the next call can use: posted less held, and the credit limit.',
  })
  available!: string;

  @ApiProperty({ example: '0.5', description: 'Reserved for calls in flight.' })
  held!: string;

  @ApiProperty({ example: '24.5125', description: 'Prepaid and not used; below zero, used and not paid.' })
  posted!: string;

  @ApiProperty({ example: '0', description: 'What calls cost beyond what was prepaid; the next top-up repays it.' })
  owed!: string;

  @ApiProperty({ example: '0', description: 'How much may be owed before calls are refused; zero: pays in advance.' })
  creditLimit!: string;

  @ApiProperty({ example: false, description: 'Whether calls are refused until what is owed is repaid.' })
  frozen!: boolean;

  @ApiProperty({ type: BalanceAtomsDto })
  atoms!: BalanceAtomsDto;
}

/** A customer's balance in USD, and in USDC if it has any. */
export class BalanceDto extends CurrencyBalanceDto {
  @ApiProperty({ example: 'cus_019a8b2c3d4e7f60a1b2c3d4e5f60718' })
  customerId!: string;

  @ApiPropertyOptional({ type: CurrencyBalanceDto, description: 'Credit in USDC, left out when there was never any.' })
  usdc?: CurrencyBalanceDto;
}

/** A plain object of the shape of `CurrencyBalanceDto`. */
export function toCurrencyBalanceDto(balance: AssetBalance) {
  const { asset, available, held, posted, owed } = balance;
  const decimal = (atoms: bigint) => formatMoney({ asset, atoms } satisfies Money);
  return {
    currency: asset,
    available: decimal(available),
    held: decimal(held),
    posted: decimal(posted),
    owed: decimal(owed),
    creditLimit: decimal(balance.creditLimit),
    frozen: balance.frozen,
    atoms: { available: `${available}`, held: `${held}`, posted: `${posted}`, owed: `${owed}` },
  };
}
