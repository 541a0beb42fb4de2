import { ApiProperty } from '@nestjs/swagger';

/** A price in force: integers are nano-USD as decimal strings. */
export class ModelPriceDto {
  @ApiProperty({ example: 'price_0192' })
  id!: string;

  @ApiProperty({ example: 1 })
  version!: number;

  @ApiProperty({ example: '2026-11-01T00:00:00.000Z' })
  effectiveFrom!: string;

  @ApiProperty({ example: 'USD' })
  currency!: 'USD';

  @ApiProperty({
    type: 'object',
    additionalProperties: true,
    example: { inputNanoPerMillion: '150000000', outputNanoPerMillion: '600000000' },
  })
  rates!: Record<string, unknown>;
}

export class ModelDto {
  @ApiProperty({ example: 'gpt-4o-mini' })
  id!: string;

  @ApiProperty({ example: 'model' })
  object!: 'model';

  @ApiProperty({ example: 1_790_000_000 })
  created!: number;

  @ApiProperty({ example: 'upstream' })
  owned_by!: string;

  @ApiProperty({ example: ['/v1/chat/completions'], type: [String] })
  endpoints!: string[];

  @ApiProperty({ example: 16_384 })
  max_output_tokens!: number;

  @ApiProperty({ type: ModelPriceDto })
  price!: ModelPriceDto;
}

export class ModelListDto {
  @ApiProperty({ example: 'list' })
  object!: 'list';

  @ApiProperty({ type: [ModelDto] })
  data!: ModelDto[];
}
