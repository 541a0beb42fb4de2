import { applyDecorators } from '@nestjs/common';
import { ApiExtraModels, ApiResponse, getSchemaPath } from '@nestjs/swagger';
import { ProblemDto } from '../common/problem.dto';

/** Documents the refusals (RFC 9457) of a route, with every code that a program may meet. */
export function ApiRefusals(...problems: readonly { status: number; code: string; detail: string }[]) {
  const statuses = [...new Set(problems.map(({ status }) => status))];
  return applyDecorators(
    ApiExtraModels(ProblemDto),
    ...statuses.map((status) => {
      const own = problems.filter((problem) => problem.status === status);
      const examples = Object.fromEntries(
        own.map(({ code, detail }) => [
          code,
          { value: { type: `urn:tollbridge:problem:${code}`, title: 'A short name', status, code, detail } },
        ]),
      );
      const description = own.map(({ code, detail }) => `\`${code}\`: ${detail}`).join(' ');
      const schema = { $ref: getSchemaPath(ProblemDto) };
      return ApiResponse({ status, description, content: { 'application/problem+json': { schema, examples } } });
    }),
  );
}

/** The refusals of every guarded route. */
export const ACCESS_PROBLEMS = [
  { status: 401, code: 'invalid_api_key', detail: 'The API key is missing, unknown, revoked or expired.' },
  { status: 403, code: 'scope_missing', detail: 'The API key may not be used for billing.' },
  { status: 403, code: 'forbidden', detail: 'This key belongs to another customer.' },
] as const;

/** The refusals of every route that asks Stripe. */
export const PROCESSOR_PROBLEMS = [
  { status: 404, code: 'customer_not_found', detail: 'There is no such customer.' },
  { status: 501, code: 'card_top_ups_unavailable', detail: 'This server does not take cards.' },
  { status: 502, code: 'card_processor_unavailable', detail: 'The card processor refused. Nothing was charged.' },
  { status: 503, code: 'card_processor_unavailable', detail: 'The card processor cannot be reached. Try again.' },
] as const;
