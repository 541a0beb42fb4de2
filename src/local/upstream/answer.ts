import type { Behaviours } from './behaviours';
import { type Encoding, countText, decodeTokens } from './token-count';
import { UpstreamError } from './upstream-error';
import type { Usage } from './usage';

/**
 * UTF-8 bytes, one to a character: what `latin1` writes out unchanged. Bodies are kept so because node sends such a
 * string and its headers in one copy, while a string with a dash in it is converted anew for every response.
 */
export type Bytes = string;

/** One event of a stream as it goes over the wire (`data: …\n\n`), and where in the answer it stands. */
export interface StreamEvent {
  readonly part: 'opening' | 'content' | 'closing';
  readonly bytes: Bytes;
}

/** What makes one call different from another that asks the same. */
export interface Stamp {
  readonly id: string;
  /** Unix seconds. */
  readonly created: number;
}

/**
 * What an endpoint answers: a body, or the events of a stream; and the usage it truly took, whatever it reports. It
 * depends on the request alone and is stamped when it is sent, so an answer may be remembered and sent again.
 */
export type Answer =
  | { readonly json: (stamp: Stamp) => Bytes; readonly usage: Usage | null }
  | { readonly events: (stamp: Stamp) => Iterable<StreamEvent>; readonly usage: Usage };

/** A request as the endpoints see it. */
export interface EndpointRequest {
  readonly body: Readonly<Record<string, unknown>>;
  /** The model's name without its behaviours. */
  readonly model: string;
  readonly behaviours: Behaviours;
}

/** An input and what it costs. */
export interface CountedText {
  readonly text: string;
  readonly tokens: number;
}

/** The UTF-8 bytes of a text. */
export function bytesOf(text: string): Bytes {
  return Buffer.from(text).toString('latin1');
}

/**
 * A whole number in `[min, max]`, or `undefined` when the field is absent or null.
 * @throws UpstreamError 400
 */
export function readInteger(body: EndpointRequest['body'], name: string, min: number, max: number): number | undefined {
  const value = body[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max) {
    throw new UpstreamError(400, `Invalid '${name}': expected a whole number from ${min} to ${max}.`, name);
  }
  return value;
}

/** One of the allowed strings, or the fallback when the field is absent or null. @throws UpstreamError 400 */
export function readChoice<T extends string>(
  body: EndpointRequest['body'],
  name: string,
  allowed: readonly T[],
  fallback: T,
): T {
  const value = body[name] ?? fallback;
  const found = allowed.find((choice) => choice === value);
  if (found === undefined) {
    throw new UpstreamError(400, `Invalid '${name}': expected one of ${allowed.join(', ')}.`, name);
  }
  return found;
}

/**
 * The inputs of embeddings and text completions: a string, several, a token array, or several.
 * @throws UpstreamError 400 on any other shape, an empty list, or a token outside the vocabulary
 */
export function readTexts(body: EndpointRequest['body'], name: string, encoding: Encoding): CountedText[] {
  const value = body[name];
  if (value === undefined || value === null) {
    throw new UpstreamError(400, `Missing required parameter: '${name}'.`, name, 'missing_required_parameter');
  }
  const inputs: unknown[] = isTokens(value) || !Array.isArray(value) ? [value] : value;
  if (inputs.length === 0) throw new UpstreamError(400, `Invalid '${name}': input cannot be an empty array.`, name);
  return inputs.map((input) => readText(input, name, encoding));
}

function readText(input: unknown, name: string, encoding: Encoding): CountedText {
  if (typeof input === 'string') return { text: input, tokens: countText(encoding, input) };
  if (!isTokens(input)) {
    throw new UpstreamError(400, `Invalid '${name}': expected strings or arrays of tokens.`, name);
  }
  try {
    return { text: decodeTokens(encoding, input), tokens: input.length };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new UpstreamError(400, `Invalid '${name}': ${error.message}.`, name);
  }
}

function isTokens(value: unknown): value is number[] {
  return Array.isArray(value) && value.length > 0 && value.every((token) => Number.isInteger(token));
}
