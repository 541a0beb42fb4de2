import { createHash } from 'node:crypto';
import { InvalidRequestError } from '../common/billing-error';
import { readIdempotencyKey } from '../common/idempotency-key';
import type { RequestHeaders } from '../payments/payment-scheme';
import type { Endpoint, Model } from '../pricing/model';

/** One request for inference, read as far as billing needs it. The body itself passes through untouched. */
export interface InferenceCall {
  /** A UUIDv7, also the `x-request-id`. */
  readonly id: string;
  readonly endpoint: Endpoint;
  readonly url: string;
  readonly headers: RequestHeaders;
  readonly body: Readonly<Record<string, unknown>>;
  readonly rawBody: Buffer;
  readonly modelId: string;
  readonly stream: boolean;
  /** Whether the caller asked for the stream's usage chunk itself. */
  readonly wantsUsage: boolean;
  readonly idempotencyKey: string | undefined;
  readonly startedAt: number;
}

export interface IncomingRequest {
  readonly id: string;
  readonly endpoint: Endpoint;
  readonly url: string;
  readonly headers: RequestHeaders;
  readonly body: unknown;
  readonly rawBody: Buffer | undefined;
}

/** @throws InvalidRequestError that names what is wrong. */
export function readCall(request: IncomingRequest): InferenceCall {
  const { body, rawBody } = request;
  const isJson = /^application\/([\w.-]+\+)?json\b/i.test(String(request.headers['content-type']));
  if (typeof body !== 'object' || body === null || Array.isArray(body) || !rawBody || !isJson) {
    throw invalid('invalid_body', 'The body must be a JSON object.', 'Send content-type: application/json.');
  }
  const fields = body as Record<string, unknown>;
  const { model, stream } = fields;
  if (typeof model !== 'string' || model === '') {
    throw invalid('model_missing', 'The field "model" must name a model.', 'Models and prices are at GET /v1/models.');
  }
  if (stream !== undefined && stream !== null && typeof stream !== 'boolean') {
    throw invalid('invalid_stream', 'The field "stream" must be true or false.');
  }
  assertNoVariants(fields);
  for (const field of COUNTS) assertCount(field, fields[field]);
  const streams = stream === true;
  return {
    id: request.id,
    endpoint: request.endpoint,
    url: request.url,
    headers: request.headers,
    body: fields,
    rawBody,
    modelId: model,
    stream: streams,
    wantsUsage: streams && asksForUsage(fields['stream_options']),
    idempotencyKey: readIdempotencyKey(request.headers['idempotency-key']),
    startedAt: performance.now(),
  };
}

/** Method, path and exact body: what a payment or an idempotency key is bound to. */
export const fingerprintOf = (call: InferenceCall): string =>
  createHash('sha256').update(`POST ${call.endpoint}\n`).update(call.rawBody).digest('base64url');

/**
 * The body for the upstream: the caller's own bytes, but for two things that billing needs. A stream must report its
 * usage, and a model may have another name there. Where nothing has to change, nothing does.
 */
export function upstreamBody(call: InferenceCall, model: Model): Buffer {
  const renamed = model.upstreamModel !== null && model.upstreamModel !== call.modelId;
  const needsUsage = call.stream && !call.wantsUsage && reportsUsageInStream(call.endpoint);
  const ambiguous = namesTwice(call.rawBody);
  if (!renamed && !needsUsage && !ambiguous) return call.rawBody;
  if (!renamed && !ambiguous && call.body['stream_options'] === undefined) return withStreamOptions(call.rawBody);
  const options = needsUsage
    ? { stream_options: { ...objectOf(call.body['stream_options']), include_usage: true } }
    : {};
  return Buffer.from(JSON.stringify({ ...call.body, ...(renamed ? { model: model.upstreamModel } : {}), ...options }));
}

/** Every other byte stays the caller's: large integers and number formats survive. */
function withStreamOptions(rawBody: Buffer): Buffer {
  const open = rawBody.indexOf('{') + 1;
  return Buffer.concat([rawBody.subarray(0, open), INCLUDE_USAGE, rawBody.subarray(open)]);
}

/**
 * Whether a member that is billed by may stand in the body twice, or in another case: another parser could read another
 * one than we did. What goes upstream is then what was read here. Members of nested objects are taken for it, harmlessly.
 */
export function namesTwice(rawBody: Buffer): boolean {
  const text = rawBody.toString('latin1');
  if (ESCAPED_LETTER.test(text)) return true;
  const seen = new Set<string>();
  for (const [, name = ''] of text.matchAll(BILLED_MEMBERS)) {
    if (seen.has(name.toLowerCase())) return true;
    seen.add(name.toLowerCase());
  }
  return false;
}

/** Some servers read `"MODEL"` as `"model"`: then what is priced would not be what is served. */
function assertNoVariants(fields: Readonly<Record<string, unknown>>): void {
  const variant = Object.keys(fields).find((name) => name !== name.toLowerCase() && BILLED.has(name.toLowerCase()));
  if (variant !== undefined) {
    throw invalid('ambiguous_field', `The field "${variant.slice(0, 40)}" must be written in lower case.`);
  }
}

/** A letter of ASCII that is escaped without need: a name can hide behind it. */
const ESCAPED_LETTER = /\\u00[4-7][0-9a-f]/i;
const BILLED = new Set(['model', 'stream', 'stream_options', 'max_tokens', 'max_completion_tokens', 'n', 'best_of']);
const BILLED_MEMBERS = /"(model|stream|stream_options|max_tokens|max_completion_tokens|n|best_of)"\s*:/gi;
const INCLUDE_USAGE = Buffer.from('"stream_options":{"include_usage":true},');
const COUNTS = ['n', 'max_tokens', 'max_completion_tokens', 'best_of'] as const;

const reportsUsageInStream = (endpoint: Endpoint): boolean =>
  endpoint === '/v1/chat/completions' || endpoint === '/v1/completions';

const asksForUsage = (options: unknown): boolean => objectOf(options)['include_usage'] === true;

const objectOf = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};

/** Counts reserve money: they must be whole, positive and of a size that can be meant. */
function assertCount(field: string, value: unknown): void {
  if (value === undefined || value === null) return;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1 || value > 10_000_000) {
    throw invalid('invalid_count', `The field "${field}" must be a whole number from 1 to 10000000.`);
  }
}

const invalid = (code: string, detail: string, hint?: string): InvalidRequestError =>
  new InvalidRequestError({ code, detail, ...(hint === undefined ? {} : { hint }) });
