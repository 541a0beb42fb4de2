import { countTokensIn, type Encoding } from './encodings';

/** OpenAI's cookbook: every message carries 3 tokens, the answer is primed with 3. */
const TOKENS_PER_MESSAGE = 3;
const TOKENS_PER_PROMPT = 3;
/** What an image in a message is reserved at; what the provider reports is billed. */
const TOKENS_PER_IMAGE_PART = 2_000;

/** Members that a model does not read. Any other object may be input (tools, a schema, documents), and is counted. */
const NOT_INPUT = new Set([
  'messages',
  'stream_options',
  'metadata',
  'stop',
  'logit_bias',
  'modalities',
  'audio',
  'tool_choice',
  'function_call',
]);

/** Tokens of a text. See `Counter` for what very long texts and very long words are counted as. */
export const countText = (text: string, encoding: Encoding): number => new Counter(encoding).text(text);

/** Input tokens of a chat request: messages, names, and whatever else the model may read. */
export function countChat(body: Readonly<Record<string, unknown>>, encoding: Encoding): number {
  const counter = new Counter(encoding);
  let tokens = TOKENS_PER_PROMPT;
  for (const message of arrayOf(body['messages'])) {
    tokens += TOKENS_PER_MESSAGE;
    // A text has an entry for each of its letters: millions, where somebody sends one instead of a message.
    if (typeof message !== 'object' || message === null) tokens += counter.text(String(message));
    else for (const [field, value] of Object.entries(message)) tokens += countValue(field, value, counter);
  }
  for (const [field, value] of Object.entries(body)) {
    if (typeof value === 'object' && value !== null && !NOT_INPUT.has(field))
      tokens += counter.text(JSON.stringify(value));
  }
  return tokens;
}

/** Tokens of `prompt` or `input`: a text, texts, tokens, or lists of tokens. */
export const countPrompt = (prompt: unknown, encoding: Encoding): number => countParts(prompt, new Counter(encoding));

/**
 * Counts the texts of one call. The tokenizer is quadratic in the length of a word, and a body may have 32 MB: without
 * bounds one request would stand in every other's way for minutes. So long words are broken up, which can only add
 * tokens, and when the effort that a call is worth is spent, the rest counts a token for each byte, which is the most
 * that a text can have. Both depend on the text alone: the same call has the same price wherever it is counted.
 */
class Counter {
  private effort = 0;

  constructor(private readonly encoding: Encoding) {}

  /** Exact for texts of up to 8,192 characters whose words have up to 64; otherwise an upper bound. */
  text(text: string): number {
    let tokens = 0;
    for (let at = 0; at < text.length; at += SLICE) {
      if (this.effort > MAX_EFFORT) return tokens + Buffer.byteLength(text.slice(at));
      tokens += this.slice(text.length <= SLICE ? text : text.slice(at, at + SLICE));
    }
    this.effort += EFFORT_PER_TEXT;
    return tokens;
  }

  private slice(text: string): number {
    let effort = text.length;
    const lengthen = (run: string, mark: string): string => {
      effort += LONGEST_RUN * EFFORT_PER_LONG_CHAR;
      return run + mark;
    };
    const broken =
      text.length < LONGEST_RUN
        ? text
        : text.replace(LONG_WORD, (run) => lengthen(run, ' ')).replace(LONG_GAP, (run) => lengthen(run, '.'));
    this.effort += effort;
    return countTokensIn(this.encoding)(broken, ORDINARY_TEXT);
  }
}

const SLICE = 8_192;
const LONGEST_RUN = 64;
const LONG_WORD = new RegExp(`\\S{${LONGEST_RUN}}`, 'g');
const LONG_GAP = new RegExp(`\\s{${LONGEST_RUN}}`, 'g');
/** Special tokens in a caller's text are ordinary text. */
const ORDINARY_TEXT = { disallowedSpecial: new Set<string>() };
/** Roughly 0.1 µs each: 8 million characters of ordinary text, or 500,000 in unbroken words. */
const MAX_EFFORT = 8_000_000;
const EFFORT_PER_LONG_CHAR = 15;
const EFFORT_PER_TEXT = 16;

function countParts(prompt: unknown, counter: Counter): number {
  if (typeof prompt === 'string') return counter.text(prompt);
  if (typeof prompt === 'number') return 1;
  return arrayOf(prompt).reduce<number>((tokens, part) => tokens + countParts(part, counter), 0);
}

function countValue(field: string, value: unknown, counter: Counter): number {
  if (typeof value === 'string') return counter.text(value) + (field === 'name' ? 1 : 0);
  if (value === null || value === undefined) return 0;
  if (field !== 'content') return counter.text(JSON.stringify(value));
  return arrayOf(value).reduce<number>((tokens, part) => {
    const { text } = part as { text?: unknown };
    return tokens + (typeof text === 'string' ? counter.text(text) : tokensOfPart(part));
  }, 0);
}

/** An image by its fixed reservation; a file or a recording by its size, since its content cannot be counted here. */
function tokensOfPart(part: unknown): number {
  if (typeof part === 'object' && part !== null && 'image_url' in part) return TOKENS_PER_IMAGE_PART;
  return Math.max(TOKENS_PER_IMAGE_PART, Math.ceil(JSON.stringify(part).length / BYTES_PER_TOKEN));
}

/** Base64 and structured text have about this many bytes a token. */
const BYTES_PER_TOKEN = 4;

/** What is there of an array that a caller or a provider sent; empty when it is none. */
export const arrayOf = (value: unknown): unknown[] =>
  Array.isArray(value) ? value.filter((part) => part !== null) : [];
