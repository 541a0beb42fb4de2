import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsInt, IsOptional, IsString, Matches, Max, MaxLength, Min } from 'class-validator';
import { METERS } from '../metering/usage';

/** What `GET /v1/invoices` can be asked for. */
export class InvoiceQueryDto {
  @ApiPropertyOptional({ description: 'For the operator: one customer. A key sees its own customer only.' })
  @IsOptional()
  @Matches(/^\w{1,100}$/, { message: 'customerId must be the id of a customer' })
  customerId?: string;

  @ApiPropertyOptional({ description: 'ISO 8601 in UTC, inclusive.', example: '2026-11-01' })
  @IsOptional()
  @IsString()
  from?: string;

  @ApiPropertyOptional({ description: 'ISO 8601 in UTC, exclusive.', example: '2026-12-01T00:00:00Z' })
  @IsOptional()
  @IsString()
  to?: string;

  @ApiPropertyOptional({ description: 'Exactly as on the invoice.' })
  @IsOptional()
  @Matches(/^\P{Cc}{1,200}$/u, { message: 'model must be the name of a model' })
  model?: string;

  @ApiPropertyOptional({ minimum: 1, maximum: 100, default: 50 })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(100)
  limit: number = 50;

  @ApiPropertyOptional({ description: '`next` of the page before, unchanged.' })
  @IsOptional()
  @IsString()
  @MaxLength(400)
  after?: string;
}

export class InvoiceLineDto {
  @ApiProperty({ enum: METERS, enumName: 'Meter' })
  meter!: string;

  @ApiProperty({ description: 'An integer.', example: '1200' })
  quantity!: string;

  @ApiProperty({ description: 'Nano-USD per `per` units.', example: '150000000' })
  unitPriceNano!: string;

  @ApiProperty({ enum: ['1', '1000000'] })
  per!: string;

  @ApiProperty({ description: 'USD, exact: never rounded.', example: '0.00018' })
  amount!: string;
}

export class InvoicePriceDto {
  @ApiProperty()
  id!: string;

  @ApiProperty()
  version!: number;
}

export class InvoiceEvidenceDto {
  @ApiPropertyOptional()
  apiKeyId?: string;

  @ApiPropertyOptional({ description: 'Wallet address.' })
  payer?: string;

  @ApiPropertyOptional({ description: 'CAIP-2.', example: 'eip155:8453' })
  network?: string;

  @ApiPropertyOptional({ description: 'Hash of the transaction.' })
  transaction?: string;

  @ApiPropertyOptional({ description: 'Settled on the chain, in micro-USDC.' })
  settled?: string;

  @ApiPropertyOptional({ description: 'The part of it above the amount, which is the payer’s credit, in micro-USDC.' })
  credited?: string;

  @ApiPropertyOptional({ description: 'Signed for a call that was answered before it was settled, in micro-USDC.' })
  promised?: string;

  @ApiPropertyOptional({ description: 'Id of the payment channel.' })
  channel?: string;

  @ApiPropertyOptional({ description: 'What the voucher allows to be claimed from the channel in all, in micro-USDC.' })
  voucher?: string;

  @ApiPropertyOptional({ description: 'What was charged to the channel in all, with this call, in micro-USDC.' })
  charged?: string;

  @ApiPropertyOptional({ description: 'The transaction of the deposit that came with the call.' })
  deposit?: string;

  @ApiPropertyOptional({ description: 'What an authority of prepaid credit committed to (`jti`).' })
  commitment?: string;

  @ApiPropertyOptional({ description: 'As the payer named it in `Wallet-Provider`. Proves nothing.' })
  walletProvider?: string;

  @ApiPropertyOptional({ description: 'What the operator paid the network, in USD; no part of the amount.' })
  networkFee?: string;

  @ApiPropertyOptional({ description: 'The same in coins of the chain, such as ETH.' })
  gas?: string;
}

export class InvoiceDto {
  @ApiProperty({ description: 'Unguessable: whoever holds it may read the invoice.' })
  id!: string;

  @ApiProperty({ format: 'date-time' })
  issuedAt!: string;

  @ApiProperty({ format: 'uuid', description: 'As in the response header x-request-id.' })
  requestId!: string;

  @ApiProperty()
  customerId!: string;

  @ApiProperty({ example: '/v1/chat/completions' })
  endpoint!: string;

  @ApiProperty()
  model!: string;

  @ApiProperty({ enum: ['succeeded', 'interrupted', 'failed'] })
  status!: string;

  @ApiProperty({ type: [InvoiceLineDto] })
  lines!: InvoiceLineDto[];

  @ApiProperty({ type: InvoicePriceDto })
  price!: InvoicePriceDto;

  @ApiProperty({ description: 'A plain decimal in whole units of the asset.', example: '0.000345' })
  amount!: string;

  @ApiProperty({ enum: ['USD', 'USDC'] })
  asset!: string;

  @ApiProperty({ description: 'The amount in atoms: nano-USD or micro-USDC.', example: '345000' })
  atoms!: string;

  @ApiProperty({ description: 'Name of the payment scheme.', example: 'credit' })
  rail!: string;

  @ApiProperty({ type: InvoiceEvidenceDto })
  evidence!: InvoiceEvidenceDto;

  @ApiProperty({ description: 'Id of the journal entry.' })
  ledgerEntry!: string;

  @ApiProperty({ description: 'What could be spent afterwards, in whole units of the asset.' })
  balanceAfter!: string;

  @ApiPropertyOptional({ description: 'What was given back of the amount since, in whole units of the asset.' })
  refunded?: string;
}

export class InvoicePageDto {
  @ApiProperty({ type: [InvoiceDto], description: 'Newest first.' })
  data!: InvoiceDto[];

  @ApiProperty({ type: String, nullable: true, description: 'Send it as `after` for the next page; null at the end.' })
  next!: string | null;
}
