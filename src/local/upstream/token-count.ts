import type * as Tokenizer from 'gpt-tokenizer/encoding/o200k_base';

/** The two vocabularies the upstream counts with. */
export type Encoding = 'o200k_base' | 'cl100k_base';

/** The part of a chat message that costs tokens. */
export interface CountedMessage {
  readonly role: string;
  readonly name?: string | undefined;
  /** The text of the content, parts concatenated in the order counted: one entry per text part. */
  readonly texts: readonly string[];
  /** How many image parts the content holds. */
  readonly images: number;
}

/** Every message is wrapped in start, separator and end. */
export const TOKENS_PER_MESSAGE = 3;
/** A `name` costs its own tokens and one more. */
export const TOKENS_PER_NAME = 1;
/** The answer is primed with `<|start|>assistant<|message|>`. */
export const TOKENS_OF_PRIMING = 3;
/** OpenAI's price of a low-detail image; the upstream has no pixels to look at. */
export const TOKENS_PER_IMAGE = 85;

const CACHED_TEXTS = 4096;
const CACHED_TEXT_LENGTH = 32_768;
const CACHES = { o200k_base: new Map<string, number>(), cl100k_base: new Map<string, number>() };
// Without this the package throws on a prompt that quotes `<|endoftext|>`; OpenAI counts it as ordinary text.
const AS_PLAIN_TEXT = { disallowedSpecial: new Set<string>() };
const O200K_NAMES = /^(?:chatgpt-4o|gpt-4o|gpt-4\.[1-9]|gpt-[5-9]|gpt-oss|gpt-image|gpt-audio|gpt-realtime|o[1-9]\b)/;

/** o200k_base for gpt-4o, gpt-4.1, gpt-5, o-series and later names, cl100k_base for every other; `vendor/` is ignored. */
export function encodingOf(model: string): Encoding {
  const name = model.slice(model.lastIndexOf('/') + 1);
  return O200K_NAMES.test(name) ? 'o200k_base' : 'cl100k_base';
}

/** Megabytes of tables, loaded when they are first needed: an upstream that nobody calls counts nothing. */
// oxlint-disable-next-line typescript/no-require-imports -- `import()` is not there at once
const tokenizerOf = (encoding: Encoding) => require(`gpt-tokenizer/encoding/${encoding}`) as typeof Tokenizer;

/**
 * Tokens of a text, special-token spellings counted as ordinary text. The last few thousand short texts are
 * remembered, so that a load test measures its subject rather than this tokenizer.
 */
export function countText(encoding: Encoding, text: string): number {
  if (text === '') return 0;
  const cache = CACHES[encoding];
  const known = cache.get(text);
  if (known !== undefined) return known;
  const count = tokenizerOf(encoding).countTokens(text, AS_PLAIN_TEXT);
  if (text.length <= CACHED_TEXT_LENGTH) {
    // Oldest out: a Map keeps insertion order, and re-inserting on every hit would cost more than a rare miss.
    if (cache.size >= CACHED_TEXTS) cache.delete(cache.keys().next().value as string);
    cache.set(text, count);
  }
  return count;
}

/**
 * Prompt tokens of a chat, by the rule of the OpenAI cookbook ("How to count tokens with tiktoken"), the same as
 * `MESSAGE_TOKEN_OVERHEAD` and `COMPLETION_REQUEST_TOKEN_OVERHEAD` in gpt-tokenizer:
 * 3 + Σ per message ( 3 + count(role) + Σ count(text part) + 85 per image part + (name ? 1 + count(name) : 0) ).
 * Text parts are counted one by one, never joined. Tools, tool calls and audio cost nothing here.
 */
export function countChat(encoding: Encoding, messages: readonly CountedMessage[]): number {
  let total = TOKENS_OF_PRIMING;
  for (const message of messages) {
    total += TOKENS_PER_MESSAGE + countText(encoding, message.role) + message.images * TOKENS_PER_IMAGE;
    for (const text of message.texts) total += countText(encoding, text);
    if (message.name !== undefined) total += TOKENS_PER_NAME + countText(encoding, message.name);
  }
  return total;
}

/** The text of a token array. @throws RangeError on a token outside the vocabulary. */
export function decodeTokens(encoding: Encoding, tokens: readonly number[]): string {
  try {
    return tokenizerOf(encoding).decode(tokens);
  } catch (error) {
    throw new RangeError(`not tokens of ${encoding}`, { cause: error });
  }
}
