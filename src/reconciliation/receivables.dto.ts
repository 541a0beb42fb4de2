import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsOptional, IsString, Length, Matches } from 'class-validator';
import { formatMoney } from '../common/money';
import { RECEIVABLE_ASSETS, type ReceivableAsset, type WrittenOff } from '../ledger/write-offs.service';

/** What to give up of what a customer owes. */
export class WriteOffRequestDto {
  @ApiPropertyOptional({ example: '12.5', description: 'In whole units; left out: all that is owed.' })
  @IsOptional()
  @Matches(/^\d{1,12}(\.\d{1,9})?$/, { message: 'amount must be a plain decimal such as "12.50"' })
  amount?: string;

  @ApiPropertyOptional({ enum: RECEIVABLE_ASSETS, default: 'USD' })
  @IsOptional()
  @IsIn(RECEIVABLE_ASSETS)
  asset: ReceivableAsset = 'USD';

  @ApiProperty({ description: 'For whoever reads the books later.', example: 'Insolvent.' })
  @IsString()
  @Length(3, 500)
  @Matches(/^\P{Cc}*$/u, { message: 'reason must be one line of text' })
  reason!: string;
}

/** What was given up. */
export class WriteOffDto {
  @ApiProperty()
  customerId!: string;

  @ApiProperty({ example: '8812' })
  entryId!: string;

  @ApiProperty({ enum: RECEIVABLE_ASSETS })
  asset!: string;

  @ApiProperty({ example: '12.5', description: 'In whole units.' })
  writtenOff!: string;

  @ApiProperty({ example: '0', description: 'What is owed still. With nothing the customer can spend again.' })
  owed!: string;
}

export const toWriteOffDto = (customerId: string, { entryId, writtenOff, owed }: WrittenOff): WriteOffDto => ({
  customerId,
  entryId,
  asset: owed.asset,
  writtenOff: formatMoney(writtenOff),
  owed: formatMoney(owed),
});
