import { ApiProperty } from '@nestjs/swagger';
import { Matches } from 'class-validator';
import { formatMoney } from '../common/money';
import type { CreditLimit } from './credit-limits.service';

export class SetCreditLimitDto {
  @ApiProperty({ description: 'In USD; "0": the customer pays in advance.', example: '250' })
  @Matches(/^\d{1,9}(\.\d{1,9})?$/, { message: 'limit must be a plain decimal such as "250"' })
  limit!: string;
}

export class CreditLimitDto {
  @ApiProperty()
  customerId!: string;

  @ApiProperty({ example: '250' })
  limit!: string;

  @ApiProperty({ description: 'The balance; below zero is owed.', example: '-17.25' })
  posted!: string;

  @ApiProperty({ enum: ['USD'] })
  currency!: string;
}

export const toCreditLimitDto = (customerId: string, { limit, posted }: CreditLimit): CreditLimitDto => ({
  customerId,
  limit: formatMoney(limit),
  posted: formatMoney(posted),
  currency: 'USD',
});
