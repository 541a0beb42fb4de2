import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';

/** What billing reads of a request, for the API document. Every other field of OpenAI's API passes through. */
export class InferenceRequestDto {
  @ApiProperty({ example: 'gpt-4o-mini', description: 'One of GET /v1/models.' })
  model!: string;

  @ApiPropertyOptional({ example: [{ role: 'user', content: 'Hello' }], type: 'array', items: { type: 'object' } })
  messages?: object[];

  @ApiPropertyOptional({ example: false })
  stream?: boolean;

  @ApiPropertyOptional({ example: 256, description: "Bounds what is held: without it the model's maximum is." })
  max_tokens?: number;
}

/** The upstream's own answer; `usage.cost` is added. */
export class InferenceAnswerDto {
  @ApiProperty({ example: 'chatcmpl-1' })
  id!: string;

  @ApiProperty({ example: 'gpt-4o-mini' })
  model!: string;

  @ApiProperty({
    type: 'object',
    additionalProperties: true,
    example: { prompt_tokens: 9, completion_tokens: 12, cost: '0.00000855' },
  })
  usage!: Record<string, unknown>;
}
