import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsEthereumAddress, IsOptional, IsString, Length, MaxLength } from 'class-validator';
import { InvalidRequestError } from '../../common/billing-error';
import { formatMoney, type Money } from '../../common/money';
import type { Owner, SuspendedTransfer } from './attributions.service';

const REF = `eip155:8453:0x${'5f'.repeat(32)}:7`;

/** Whose a transfer is: one of the two. */
export class AttributionsDto {
  @ApiPropertyOptional({ example: 'cus_019a8b2c3d4e7f60a1b2c3d4e5f60718' })
  @IsOptional()
  @IsString()
  @MaxLength(100)
  customerId?: string;

  @ApiPropertyOptional({ example: '0x70997970C51812dc3A010C7d01b50e0d17dc79C8' })
  @IsOptional()
  @IsEthereumAddress({ message: 'walletAddress must be an address, 0x…' })
  walletAddress?: string;

  @ApiProperty({ example: 'Says so in a signed message of 3 May.', description: 'Why; it stays with the entry.' })
  @IsString()
  @Length(1, 500)
  reason!: string;
}

export class SuspendedTransferDto {
  @ApiProperty({ example: REF, description: '<network>:<transaction>:<log index>' })
  ref!: string;

  @ApiProperty()
  from!: string;

  @ApiProperty({ description: 'An address of ours.' })
  to!: string;

  @ApiProperty({ example: '12.5', description: 'In USDC.' })
  amount!: string;

  @ApiProperty()
  minedAt!: string;
}

export class SuspendedTransfersDto {
  @ApiProperty({ type: [SuspendedTransferDto] })
  data!: SuspendedTransferDto[];
}

export class AttributionDto {
  @ApiProperty({ example: REF })
  ref!: string;

  @ApiProperty()
  customerId!: string;

  @ApiProperty({ example: '12.5' })
  credited!: string;

  @ApiProperty({ enum: ['USD', 'USDC'] })
  asset!: string;
}

/** @throws InvalidRequestError `owner_ambiguous` */
export function ownerIn({ customerId, walletAddress }: AttributionsDto): Owner {
  if (customerId !== undefined && walletAddress === undefined) return { customerId };
  if (walletAddress !== undefined && customerId === undefined) return { walletAddress };
  throw new InvalidRequestError({
    code: 'owner_ambiguous',
    detail: 'The owner is a customer or a wallet.',
    hint: 'Give customerId or walletAddress, and one of them only.',
  });
}

export const toSuspendedTransferDto = ({
  ref,
  from,
  to,
  amount,
  minedAt,
}: SuspendedTransfer): SuspendedTransferDto => ({
  ref,
  from,
  to,
  amount: formatMoney(amount),
  minedAt: minedAt.toISOString(),
});

export const toAttributionDto = (
  ref: string,
  { customerId, credited }: { customerId: string; credited: Money },
): AttributionDto => ({ ref, customerId, credited: formatMoney(credited), asset: credited.asset });
