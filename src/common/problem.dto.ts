import { applyDecorators } from '@nestjs/common';
import { ApiExtraModels, ApiProperty, ApiPropertyOptional, ApiResponse, getSchemaPath } from '@nestjs/swagger';

/** `application/problem+json` (RFC 9457) as the OpenAPI document shows it. */
export class ProblemDto {
  @ApiProperty({ example: 'urn:tollbridge:problem:invoice_not_found' })
  type!: string;

  @ApiProperty({ example: 'Not found' })
  title!: string;

  @ApiProperty({ example: 404 })
  status!: number;

  @ApiProperty({ description: 'Stable, in snake_case: what a program decides by.', example: 'invoice_not_found' })
  code!: string;

  @ApiProperty()
  detail!: string;

  @ApiPropertyOptional({ description: 'What to do next.' })
  hint?: string;
}

const SENTENCES: Readonly<Record<number, string>> = {
  400: 'The request cannot be accepted.',
  401: 'The key is missing or cannot be used.',
  403: 'The key may not do this.',
  404: 'There is no such thing.',
  409: 'It contradicts what is there.',
  503: 'Busy; nothing was done. Retry-After says when to come back.',
};

/** Documents the problem documents that a route may answer with. */
export const ApiProblems = (...statuses: number[]) =>
  applyDecorators(
    ApiExtraModels(ProblemDto),
    ...statuses.map((status) =>
      ApiResponse({
        status,
        description: SENTENCES[status] ?? '',
        content: { 'application/problem+json': { schema: { $ref: getSchemaPath(ProblemDto) } } },
      }),
    ),
  );
