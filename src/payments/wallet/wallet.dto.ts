import { ApiProperty } from '@nestjs/swagger';

export class WalletDto {
  @ApiProperty({ example: '0x70997970c51812dc3a010c7d01b50e0d17dc79c8' })
  address!: string;

  @ApiProperty({ example: 'USDC' })
  asset!: 'USDC';

  @ApiProperty({ example: '1.25', description: 'What is on the books, holds of calls in flight included.' })
  balance!: string;

  @ApiProperty({ example: '1.2', description: 'What can be spent or withdrawn now.' })
  available!: string;

  @ApiProperty({ example: '0', description: 'What the wallet owes: repaid from the next payment.' })
  owed!: string;
}
