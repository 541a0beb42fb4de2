import { ApiProperty } from '@nestjs/swagger';
import { IsOptional, Matches, MaxLength } from 'class-validator';
import { formatMoney, usdc } from '../../common/money';
import type { Withdrawal } from './withdrawal';
import type { WithdrawalTerms } from './withdrawal-quote';

export class QuoteRequestDto {
  @ApiProperty({ example: '1.50', description: 'What the wallet shall get, in USDC.' })
  @Matches(/^\d{1,12}(\.\d{1,6})?$/, { message: 'amount must be a plain decimal such as "1.50"' })
  amount!: string;

  @ApiProperty({ example: 'eip155:8453', required: false, description: 'Left out: the first one that is offered.' })
  @IsOptional()
  @Matches(/^eip155:\d{1,20}$/, { message: 'network must be CAIP-2, such as "eip155:8453"' })
  network?: string;
}

export class QuoteDto {
  @ApiProperty({ example: 'eip155:8453' })
  network!: string;

  @ApiProperty({ example: '1.5', description: 'In USDC.' })
  amount!: string;

  @ApiProperty({
    example: '0.0042',
    description: 'The network fee, taken from the balance on top of the amount, in USDC.',
  })
  fee!: string;

  @ApiProperty({ example: '2026-01-01T00:05:00.000Z' })
  expiresAt!: string;

  @ApiProperty({ example: 'tbq_…', description: 'Send it with the withdrawal: these terms hold until then.' })
  quote!: string;
}

export class WithdrawalRequestDto {
  @ApiProperty({ example: 'tbq_…' })
  @Matches(/^tbq_/, { message: 'quote must be one of POST /v1/wallet/withdrawals/quote' })
  @MaxLength(400)
  quote!: string;
}

export class WithdrawalDto {
  @ApiProperty({ example: '01a20742-cdcd-7dec-87ef-b762132999d9' })
  id!: string;

  @ApiProperty({
    example: 'withdrawal',
    enum: ['withdrawal', 'refund'],
    description: 'A refund is sent by the operator.',
  })
  kind!: Withdrawal['kind'];

  @ApiProperty({ example: 'settling', enum: ['settling', 'settled', 'failed'] })
  state!: Withdrawal['state'];

  @ApiProperty({ example: '0x7099…', description: 'The wallet itself.' })
  to!: string;

  @ApiProperty({ example: 'eip155:8453' })
  network!: string;

  @ApiProperty({ example: '1.5', description: 'In USDC.' })
  amount!: string;

  @ApiProperty({ example: '0.0042', description: 'In USDC. Returned with the amount when it fails.' })
  fee!: string;

  @ApiProperty({ example: '0x5b8f…', nullable: true, type: String })
  transaction!: string | null;

  @ApiProperty({ example: '2026-01-01T00:00:00.000Z' })
  createdAt!: string;
}

export const toQuoteDto = ({
  network,
  atoms,
  feeAtoms,
  expiresAt,
  quote,
}: WithdrawalTerms & { quote: string }): QuoteDto => ({
  network,
  amount: formatMoney(usdc(atoms)),
  fee: formatMoney(usdc(feeAtoms)),
  expiresAt: expiresAt.toISOString(),
  quote,
});

export const toDto = ({
  id,
  kind,
  state,
  to,
  network,
  atoms,
  feeAtoms,
  transaction,
  createdAt,
}: Withdrawal): WithdrawalDto => ({
  id,
  kind,
  state,
  to,
  network,
  amount: formatMoney(usdc(atoms)),
  fee: formatMoney(usdc(feeAtoms)),
  transaction,
  createdAt: createdAt.toISOString(),
});
