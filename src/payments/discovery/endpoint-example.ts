import type { Quantities } from '../../metering/usage';
import type { Endpoint, Model } from '../../pricing/model';

/** A call that shows how a path is used. */
export interface EndpointExample {
  readonly input: Readonly<Record<string, unknown>>;
  /** JSON Schema of the body, as far as billing reads it. */
  readonly inputSchema: Readonly<Record<string, unknown>>;
  readonly output: Readonly<Record<string, unknown>>;
  /** What it may use at most: what its price is quoted for. */
  readonly estimate: Quantities;
}

const OUTPUT_TOKENS = 256;
/** More than the words of the example come to with any tokenizer. */
const INPUT_TOKENS = 32n;

/** One for each path, OpenAI-shaped, with a model that answers there. */
export function exampleFor(endpoint: Endpoint, { id, maxOutputTokens }: Model): EndpointExample {
  const maxTokens = Math.min(OUTPUT_TOKENS, maxOutputTokens);
  const answered = { input: INPUT_TOKENS, output: BigInt(maxTokens), request: 1n };
  const { body, required, output } = SHAPES[endpoint];
  const limited = endpoint === '/v1/chat/completions' || endpoint === '/v1/completions';
  const input = { model: id, ...body, ...(limited ? { max_tokens: maxTokens } : {}) };
  const properties = Object.fromEntries(Object.entries(input).map(([name, value]) => [name, { type: typeOf(value) }]));
  return {
    input,
    inputSchema: { properties, required: ['model', required] },
    output,
    estimate: limited
      ? answered
      : endpoint === '/v1/embeddings'
        ? { input: INPUT_TOKENS, request: 1n }
        : { input: INPUT_TOKENS, image: 1n, request: 1n },
  };
}

interface Shape {
  readonly body: Readonly<Record<string, unknown>>;
  readonly required: string;
  readonly output: Readonly<Record<string, unknown>>;
}

const SHAPES: Readonly<Record<Endpoint, Shape>> = {
  '/v1/chat/completions': {
    body: { messages: [{ role: 'user', content: 'Say something.' }] },
    required: 'messages',
    output: { choices: [{ message: { role: 'assistant', content: 'Something.' } }] },
  },
  '/v1/completions': {
    body: { prompt: 'Say something.' },
    required: 'prompt',
    output: { choices: [{ text: 'Something.' }] },
  },
  '/v1/embeddings': {
    body: { input: 'Something.' },
    required: 'input',
    output: { data: [{ index: 0, embedding: [0.1, -0.2] }] },
  },
  '/v1/images/generations': {
    body: { prompt: 'Something.', n: 1 },
    required: 'prompt',
    output: { data: [{ url: 'https://images.example/1.png' }] },
  },
};

const typeOf = (value: unknown): string => (Array.isArray(value) ? 'array' : typeof value);
