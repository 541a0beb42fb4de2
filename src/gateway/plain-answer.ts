import type { Encoding } from '../metering/encodings';
import { arrayOf, countText } from '../metering/tokenizer';
import { type Quantities, readUsageReport, type Usage } from '../metering/usage';
import type { Model } from '../pricing/model';
import type { InferenceCall } from './inference-call';

/** What an answer in one piece says about itself. */
export interface PlainAnswer {
  readonly usage: Usage;
  readonly modelServed: string | null;
}

/**
 * Reads usage from an answer: what the provider reports, and where it reports nothing, what was delivered, counted.
 * `undefined` when the body is not the JSON object that was promised, or an error: that is an upstream failure.
 */
export function readPlainAnswer(
  body: Buffer,
  call: InferenceCall,
  model: Model,
  estimate: Quantities,
): PlainAnswer | undefined {
  const answer = parse(body);
  if (!answer) return undefined;
  // Some providers say that they failed with a 200.
  if (isError(answer)) return undefined;
  const modelServed = modelNameOf(answer['model']);
  const reported = readUsageReport(answer['usage'], model.usageConvention);
  const images = call.endpoint === '/v1/images/generations' ? BigInt(lengthOf(answer['data'])) : undefined;
  const units: Quantities = { request: 1n, ...(images === undefined ? {} : { image: images }) };
  if (reported) return { usage: { quantities: { ...reported, ...units }, source: 'provider' }, modelServed };
  const output = BigInt(countOutput(answer, model.encoding));
  return {
    usage: { quantities: { input: estimate.input ?? 0n, output, ...units }, source: 'gateway_count' },
    modelServed,
  };
}

/**
 * Writes the cost into the answer's own `usage` object, over a cost of the provider's, and leaves every byte outside
 * of that object as it came.
 */
export function withCost(body: Buffer, cost: string): Buffer {
  const place = placeOfUsage(body);
  if (!place) return body;
  const usage = parse(body.subarray(place.start, place.end));
  if (!usage) return body;
  const priced = Buffer.from(JSON.stringify({ ...usage, cost }));
  return Buffer.concat([body.subarray(0, place.start), priced, body.subarray(place.end)]);
}

/** A model's name as a provider says it, fit for a row: a provider's text is not trusted to be one. */
export const modelNameOf = (value: unknown): string | null =>
  typeof value === 'string' && value !== '' ? value.slice(0, 200).replace(/[^\x20-\x7e]/g, '?') : null;

/**
 * Where the value of the answer's own member `usage` is, the last one if there are several. Answers quote requests
 * and other answers, so what looks like it inside of a text or of another member is passed over.
 */
function placeOfUsage(body: Buffer): { start: number; end: number } | undefined {
  let place: { start: number; end: number } | undefined;
  let start: number | undefined;
  let depth = 0;
  for (let at = 0; at < body.length; at++) {
    const byte = body[at];
    if (byte === QUOTE) {
      const end = endOfText(body, at);
      if (depth === 1 && USAGE.equals(body.subarray(at, end))) start = objectAfter(body, end);
      at = end - 1;
    } else if (byte === BRACE_OPEN || byte === BRACKET_OPEN) {
      depth++;
    } else if (byte === BRACE_CLOSE || byte === BRACKET_CLOSE) {
      depth--;
      if (depth === 1 && start !== undefined) {
        place = { start, end: at + 1 };
        start = undefined;
      }
    }
  }
  return place;
}

/** Behind the quote that ends the text which begins at `from`: one before which backslashes are even in number. */
function endOfText(body: Buffer, from: number): number {
  for (let quote = body.indexOf(QUOTE, from + 1); quote !== -1; quote = body.indexOf(QUOTE, quote + 1)) {
    let before = quote - 1;
    while (body[before] === BACKSLASH) before--;
    if ((quote - before) % 2 === 1) return quote + 1;
  }
  return body.length;
}

/** Where the object begins that is the value of the name which ends at `from`, if an object is. */
function objectAfter(body: Buffer, from: number): number | undefined {
  const opening = /^\s*:\s*\{/.exec(body.toString('latin1', from, from + 64));
  return opening === null ? undefined : from + opening[0].length - 1;
}

const USAGE = Buffer.from('"usage"');
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const BRACE_OPEN = 0x7b;
const BRACE_CLOSE = 0x7d;
const BRACKET_OPEN = 0x5b;
const BRACKET_CLOSE = 0x5d;

function countOutput(answer: Readonly<Record<string, unknown>>, encoding: Encoding): number {
  let text = '';
  for (const choice of arrayOf(answer['choices'])) {
    const { text: plain, message } = choice as { text?: unknown; message?: Record<string, unknown> };
    if (typeof plain === 'string') text += plain;
    for (const [field, value] of Object.entries(message ?? {})) {
      if (field !== 'role' && typeof value === 'string') text += value;
      if (field === 'tool_calls') text += JSON.stringify(value);
    }
  }
  return text === '' ? 0 : countText(text, encoding);
}

function parse(body: Buffer): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

const isError = (answer: Readonly<Record<string, unknown>>): boolean =>
  typeof answer['error'] === 'object' &&
  answer['error'] !== null &&
  lengthOf(answer['choices']) + lengthOf(answer['data']) === 0;

const lengthOf = (value: unknown): number => arrayOf(value).length;
