import { countTokens as countCl100k } from 'gpt-tokenizer/encoding/cl100k_base';
import { countTokens as countO200k } from 'gpt-tokenizer/encoding/o200k_base';

/** Published encodings that can be counted exactly. */
export type Encoding = 'cl100k_base' | 'o200k_base';

/** OpenAI's cookbook: every message carries 3 tokens, the answer is primed with 3. */
const TOKENS_PER_MESSAGE = 3;
const TOKENS_PER_PROMPT = 3;
/** What an image in a message is reserved at; what the provider reports is billed. */
const TOKENS_PER_IMAGE_PART = 2_000;

/**
 * Tokens of a text; an upper bound within 1 % where a run without a break is longer than 256 characters.
 * Special tokens in a caller's text are ordinary text.
 *
 * The tokenizer is quadratic in the length of an unbroken run: 100,000 times "a" would block the process for
 * seconds, so long runs are broken up first, which can only add tokens.
 */
export function countText(text: string, encoding: Encoding): number {
  const count = encoding === 'cl100k_base' ? countCl100k : countO200k;
  const broken = text.length < LONGEST_RUN ? text : text.replace(LONG_WORD, '$& ').replace(LONG_GAP, '$&.');
  return count(broken, ORDINARY_TEXT);
}

const LONGEST_RUN = 256;
const LONG_WORD = new RegExp(`\\S{${LONGEST_RUN}}`, 'g');
const LONG_GAP = new RegExp(`\\s{${LONGEST_RUN}}`, 'g');
const ORDINARY_TEXT = { disallowedSpecial: new Set<string>() };

/** Input tokens of a chat request: messages, names, and whatever tools and formats are declared. */
export function countChat(body: Readonly<Record<string, unknown>>, encoding: Encoding): number {
  let tokens = TOKENS_PER_PROMPT;
  for (const message of arrayOf(body['messages'])) {
    tokens += TOKENS_PER_MESSAGE;
    for (const [field, value] of Object.entries(message as object)) tokens += countValue(field, value, encoding);
  }
  for (const field of ['tools', 'functions', 'response_format']) {
    if (body[field] !== undefined) tokens += countText(JSON.stringify(body[field]), encoding);
  }
  return tokens;
}

/** Tokens of `prompt` or `input`: a text, texts, tokens, or lists of tokens. */
export function countPrompt(prompt: unknown, encoding: Encoding): number {
  if (typeof prompt === 'string') return countText(prompt, encoding);
  if (typeof prompt === 'number') return 1;
  return arrayOf(prompt).reduce<number>((tokens, part) => tokens + countPrompt(part, encoding), 0);
}

function countValue(field: string, value: unknown, encoding: Encoding): number {
  if (typeof value === 'string') return countText(value, encoding) + (field === 'name' ? 1 : 0);
  if (value === null || value === undefined) return 0;
  if (field !== 'content') return countText(JSON.stringify(value), encoding);
  return arrayOf(value).reduce<number>((tokens, part) => {
    const { text } = part as { text?: unknown };
    return tokens + (typeof text === 'string' ? countText(text, encoding) : TOKENS_PER_IMAGE_PART);
  }, 0);
}

const arrayOf = (value: unknown): unknown[] => (Array.isArray(value) ? value.filter((part) => part !== null) : []);
