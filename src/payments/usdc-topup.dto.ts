import { ApiProperty } from '@nestjs/swagger';
import { Matches } from 'class-validator';

export class UsdcTopUpRequestDto {
  @ApiProperty({ example: '5.00', description: 'In USDC, a plain decimal with at most six digits behind the point.' })
  @Matches(/^\d{1,12}(\.\d{1,6})?$/, { message: 'amount must be a plain decimal such as "5.00"' })
  amount!: string;
}

export class UsdcTopUpDto {
  @ApiProperty({ example: '01a20742-cdcd-7dec-87ef-b762132999d9' })
  id!: string;

  @ApiProperty({ example: 'cus_0192', description: "Whose balance it is: the key's customer, or the wallet." })
  customerId!: string;

  @ApiProperty({ example: 'usdc' })
  rail!: 'usdc';

  @ApiProperty({ example: 'paid' })
  state!: 'paid';

  @ApiProperty({ example: '5', description: 'In USDC.' })
  paid!: string;

  @ApiProperty({ example: '5', description: 'In `asset`, at par.' })
  credited!: string;

  @ApiProperty({ example: 'USD', enum: ['USD', 'USDC'] })
  asset!: 'USD' | 'USDC';

  @ApiProperty({ example: '5000000000' })
  atoms!: string;

  @ApiProperty({ example: '0x7099…' })
  payer!: string;

  @ApiProperty({ example: 'eip155:84532' })
  network!: string;

  @ApiProperty({ example: '0x5b8f…' })
  transaction!: string;
}
