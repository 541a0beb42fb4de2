import { countChat, countPrompt } from '../metering/tokenizer';
import type { Quantities } from '../metering/usage';
import type { Model } from '../pricing/model';
import type { InferenceCall } from './inference-call';

/** OpenAI's default for legacy completions. */
const COMPLETIONS_DEFAULT_MAX_TOKENS = 16;
const DEFAULT_IMAGE_SIZE = '1024x1024';
const DEFAULT_IMAGE_QUALITY = 'standard';

export interface Estimate {
  /** The most that the call can use: counted input, and as much output as was asked for or the model gives. */
  readonly quantities: Quantities;
  /** `size:quality` of images. */
  readonly imageClass: string | undefined;
}

/** What is reserved before the call: input by a real tokenizer, output by its maximum, images by their number. */
export function estimateOf(call: InferenceCall, model: Model): Estimate {
  const { body } = call;
  const answers = BigInt(positive(body['n']) ?? 1);
  switch (call.endpoint) {
    case '/v1/chat/completions': {
      const input = BigInt(countChat(body, model.encoding));
      // Model servers differ in which of the two they obey: what is held bears either.
      const asked = largest(positive(body['max_completion_tokens']), positive(body['max_tokens']));
      return tokens(input, answers * maxOutput(asked, model));
    }
    case '/v1/completions': {
      const { prompt } = body;
      const prompts = BigInt(Array.isArray(prompt) && typeof prompt[0] !== 'number' ? Math.max(prompt.length, 1) : 1);
      const best = BigInt(positive(body['best_of']) ?? 1);
      const each = maxOutput(body['max_tokens'] ?? COMPLETIONS_DEFAULT_MAX_TOKENS, model);
      return tokens(BigInt(countPrompt(prompt, model.encoding)), prompts * (best > answers ? best : answers) * each);
    }
    case '/v1/embeddings':
      return tokens(BigInt(countPrompt(body['input'], model.encoding)), 0n);
    case '/v1/images/generations': {
      const input = BigInt(countPrompt(body['prompt'], model.encoding));
      const quantities = { input, output: answers * BigInt(model.maxOutputTokens), image: answers, request: 1n };
      return { quantities, imageClass: imageClassOf(body) };
    }
  }
}

function imageClassOf(body: Readonly<Record<string, unknown>>): string {
  const named = (value: unknown, otherwise: string): string =>
    typeof value === 'string' && value !== 'auto' ? value : otherwise;
  return `${named(body['size'], DEFAULT_IMAGE_SIZE)}:${named(body['quality'], DEFAULT_IMAGE_QUALITY)}`;
}

const tokens = (input: bigint, output: bigint): Estimate => ({
  quantities: { input, output, request: 1n },
  imageClass: undefined,
});

/** What the caller asked for, never more than the model gives; without a wish, all that the model gives. */
function maxOutput(asked: unknown, model: Model): bigint {
  const wish = positive(asked);
  return BigInt(wish === undefined ? model.maxOutputTokens : Math.min(wish, model.maxOutputTokens));
}

const largest = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined || (b !== undefined && b > a) ? b : a;

const positive = (value: unknown): number | undefined => (typeof value === 'number' && value > 0 ? value : undefined);
