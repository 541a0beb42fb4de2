import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsOptional, Matches } from 'class-validator';
import type { SavedCard } from './saved-card';

/** Whose cards. */
export class CardOwnerDto {
  @ApiPropertyOptional({ description: 'For the operator, who has no customer of its own.' })
  @IsOptional()
  @Matches(/^cus_\w{1,100}$/, { message: 'customerId must be the id of a customer' })
  customerId?: string;
}

export class SavedCardDto {
  @ApiProperty({ example: 'pm_1Q2w3E4r5T6y7U8i' })
  id!: string;

  @ApiProperty({ example: 'visa' })
  brand!: string;

  @ApiProperty({ example: '4242' })
  last4!: string;

  @ApiProperty({ example: 12 })
  expiresMonth!: number;

  @ApiProperty({ example: 2030 })
  expiresYear!: number;

  @ApiProperty({ description: 'Whether auto-reload charges it.' })
  isDefault!: boolean;
}

export class SavedCardListDto {
  @ApiProperty({ type: [SavedCardDto] })
  data!: SavedCardDto[];
}

export class CardSetupDto {
  @ApiProperty({ example: 'https://checkout.stripe.com/c/pay/cs_live_a1b2c3', description: 'Where to save a card.' })
  url!: string;
}

export const toSavedCardDto = (card: SavedCard): SavedCardDto => ({
  id: card.id,
  brand: card.brand,
  last4: card.last4,
  expiresMonth: card.expiresMonth,
  expiresYear: card.expiresYear,
  isDefault: card.isDefault,
});
