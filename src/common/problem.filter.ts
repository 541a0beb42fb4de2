import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, Logger } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { BillingError } from './billing-error';
import { codeOf, isOutage } from './outage';

/** The one place where an error becomes `application/problem+json` (RFC 9457). Nothing internal leaks. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  private readonly logger = new Logger('Problem');

  catch(thrown: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const reply = http.getResponse<FastifyReply>();
    const request = http.getRequest<FastifyRequest>();
    const error = toBillingError(thrown);
    // Amounts are bounded: a number that outgrows the books is a fault of ours, or an operator's.
    if (error.status >= 500 || codeOf(thrown) === OUT_OF_RANGE) {
      // The route and not the address, which may be a key: an invoice's, a link to a page.
      const route = request.routeOptions.url ?? 'no route';
      this.logger.error(`${request.method} ${route} (${request.id}) ${error.code}: ${describe(thrown)}`);
    }
    if (reply.raw.headersSent) {
      reply.raw.destroy();
      return;
    }
    this.send(request, reply, error);
  }

  /** A problem document; pages for people say it in their own way. */
  protected send(request: FastifyRequest, reply: FastifyReply, error: BillingError): void {
    sendProblem(reply, request.id, error);
  }
}

/** For what Fastify refuses before there is a route, such as a URL that is too long: see `frameworkErrors`. */
export function sendFrameworkProblem(thrown: unknown, request: FastifyRequest, reply: FastifyReply): void {
  sendProblem(reply, request.id, toBillingError(thrown));
}

function sendProblem(reply: FastifyReply, requestId: string, error: BillingError): void {
  void reply
    .status(error.status)
    .headers({ 'cache-control': 'no-store', ...error.headers, 'x-request-id': requestId })
    .type('application/problem+json; charset=utf-8')
    .send(JSON.stringify(withOpenAiError(error)));
}

/** OpenAI clients read `error.message` and `error.code`; a 402 keeps `error` as x402 v1's string. */
function withOpenAiError(error: BillingError): Record<string, unknown> {
  const problem = error.toProblem();
  if ('error' in problem) return problem;
  const type = error.status < 500 ? 'invalid_request_error' : 'server_error';
  return { ...problem, error: { message: error.detail, type, code: error.code, param: null } };
}

function toBillingError(thrown: unknown): BillingError {
  if (thrown instanceof BillingError) return thrown;
  const status = thrown instanceof HttpException ? thrown.getStatus() : statusOf(thrown);
  if (status === 404 || status === 414) {
    const hint = 'See /docs for the routes there are.';
    return new BillingError({
      code: 'not_found',
      status: 404,
      title: 'Not found',
      detail: 'There is nothing here.',
      hint,
    });
  }
  if (status === 413) {
    return new BillingError({ code: 'body_too_large', status, title: 'Too large', detail: 'The body is too large.' });
  }
  if (status === 415) {
    const detail = 'The content type is not supported.';
    return new BillingError({
      code: 'unsupported_media_type',
      status,
      title: 'Unsupported',
      detail,
      hint: 'Send JSON.',
    });
  }
  if (status >= 400 && status < 500) {
    const detail = sentencesOf(thrown);
    return new BillingError({ code: 'invalid_request', status, title: 'The request cannot be accepted', detail });
  }
  const unstorable = UNSTORABLE[codeOf(thrown)];
  if (unstorable) return new BillingError({ ...unstorable, cause: thrown });
  if (isOutage(thrown)) return outage(thrown);
  return new BillingError({
    code: 'internal_error',
    status: 500,
    title: 'Something broke on our side',
    detail: 'The request could not be finished. Nothing was charged that is not on an invoice.',
    hint: 'Try again; quote the x-request-id header if it stays.',
    cause: thrown,
  });
}

const NO_NUL = {
  code: 'invalid_text',
  status: 400,
  title: 'Text that cannot be kept',
  detail: 'A text in the request has a character that cannot be kept, such as U+0000.',
};

const OUT_OF_RANGE = '22003';

/** What only PostgreSQL refuses, by its SQLSTATE: no text that has U+0000, no sum beyond 64 bits. */
const UNSTORABLE: Readonly<Record<string, ConstructorParameters<typeof BillingError>[0]>> = {
  '22021': NO_NUL,
  '22P05': NO_NUL,
  [OUT_OF_RANGE]: {
    code: 'amount_out_of_range',
    status: 409,
    title: 'More than the books can hold',
    detail: 'An amount, or a balance that it makes, is larger than the books can hold. Nothing was written.',
  },
};

const outage = (cause: unknown): BillingError =>
  new BillingError({
    code: 'database_unavailable',
    status: 503,
    title: 'The books cannot be reached',
    detail: 'The database is away or has no room, so the request could not be finished.',
    hint: 'Repeat the request after the seconds in Retry-After, with the same Idempotency-Key if it had one.',
    headers: { 'retry-after': '2' },
    cause,
  });

/** Fastify's own errors (body too large, bad JSON) carry `statusCode`. */
function statusOf(thrown: unknown): number {
  const status = (thrown as { statusCode?: unknown } | null)?.statusCode;
  return typeof status === 'number' ? status : 500;
}

function sentencesOf(thrown: unknown): string {
  if (!(thrown instanceof HttpException)) return 'The body is not valid JSON.';
  const body = thrown.getResponse();
  const message = typeof body === 'string' ? body : (body as { message?: string | string[] }).message;
  return [message ?? thrown.message].flat().join('; ');
}

function describe(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  const cause = thrown.cause instanceof Error ? ` caused by ${thrown.cause.stack}` : '';
  return `${thrown.stack}${cause}`;
}
