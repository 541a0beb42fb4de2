import { ApiProperty } from '@nestjs/swagger';
import { FRAUD_WARNING_ACTIONS } from '../../config/config';
import type { FraudWarning } from './fraud-warning';

/** An early fraud warning as the API shows it. */
export class FraudWarningDto {
  @ApiProperty({ example: 'issfr_1Qabc', description: 'At Stripe.' })
  id!: string;

  @ApiProperty({ example: 'pi_3Qabc' })
  paymentIntentId!: string;

  @ApiProperty({ type: String, nullable: true, example: 'cus_019a8b2c3d4e7f60a1b2c3d4e5f60718' })
  customerId!: string | null;

  @ApiProperty({ example: 'made_with_stolen_card', description: 'In the words of Stripe.' })
  fraudType!: string;

  @ApiProperty({ description: 'Neither refunded nor disputed.' })
  actionable!: boolean;

  @ApiProperty({ enum: FRAUD_WARNING_ACTIONS, description: 'What was done; notify once it is dismissed.' })
  action!: string;

  @ApiProperty({ type: String, format: 'date-time', example: '2026-11-23T07:00:00.000Z' })
  createdAt!: string;
}

/** Early fraud warnings, newest first. */
export class FraudWarningListDto {
  @ApiProperty({ type: [FraudWarningDto] })
  data!: FraudWarningDto[];
}

export const toFraudWarningDto = ({ createdAt, ...warning }: FraudWarning): FraudWarningDto => ({
  ...warning,
  createdAt: createdAt.toISOString(),
});
