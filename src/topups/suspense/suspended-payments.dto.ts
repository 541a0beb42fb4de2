import { ApiProperty } from '@nestjs/swagger';
import { IsString, Length } from 'class-validator';
import { formatMoney, type Money } from '../../common/money';
import type { SuspendedPayment } from './suspended-payments.service';

/** Whose a payment is. */
export class AttributePaymentDto {
  @ApiProperty({ example: 'cus_019a8b2c3d4e7f60a1b2c3d4e5f60718' })
  @IsString()
  @Length(1, 100)
  customerId!: string;

  @ApiProperty({ example: 'Paid our invoice of 3 May by an old link.', description: 'Why; it stays with the entry.' })
  @IsString()
  @Length(1, 500)
  reason!: string;
}

export class SuspendedPaymentDto {
  @ApiProperty({ example: 'pi_3Qabc' })
  paymentIntentId!: string;

  @ApiProperty({ example: '42', description: 'In USD, without tax.' })
  amount!: string;

  @ApiProperty()
  paidAt!: string;
}

export class SuspendedPaymentsDto {
  @ApiProperty({ type: [SuspendedPaymentDto] })
  data!: SuspendedPaymentDto[];
}

export class AttributedPaymentDto {
  @ApiProperty({ example: 'pi_3Qabc' })
  paymentIntentId!: string;

  @ApiProperty()
  customerId!: string;

  @ApiProperty({ example: '42', description: 'In USD.' })
  credited!: string;
}

export const toSuspendedPaymentDto = ({ paymentIntentId, amount, paidAt }: SuspendedPayment): SuspendedPaymentDto => ({
  paymentIntentId,
  amount: formatMoney(amount),
  paidAt: paidAt.toISOString(),
});

export const toAttributedPaymentDto = (
  paymentIntentId: string,
  customerId: string,
  credited: Money,
): AttributedPaymentDto => ({ paymentIntentId, customerId, credited: formatMoney(credited) });
