import type { Behaviours } from './behaviours';

/** Usage of chat and text completions: OpenAI's shape, cached and reasoning tokens *inside* the totals. */
export interface CompletionUsage {
  prompt_tokens: number;
  completion_tokens: number;
  total_tokens: number;
  prompt_tokens_details: { cached_tokens: number; audio_tokens: number; cache_write_tokens?: number };
  completion_tokens_details: {
    reasoning_tokens: number;
    audio_tokens: number;
    accepted_prediction_tokens: number;
    rejected_prediction_tokens: number;
  };
}

export interface EmbeddingUsage {
  prompt_tokens: number;
  total_tokens: number;
}

/** Usage of the gpt-image models; the dall-e models report none. */
export interface ImageUsage {
  input_tokens: number;
  output_tokens: number;
  total_tokens: number;
  input_tokens_details: { text_tokens: number; image_tokens: number };
  output_tokens_details: { text_tokens: number; image_tokens: number };
}

export type Usage = CompletionUsage | EmbeddingUsage | ImageUsage;

/** The true usage of a completion. `cached` and `cache-write` never exceed the prompt, which they are part of. */
export function completionUsage(
  prompt: number,
  visible: number,
  reasoning: number,
  behaviours: Behaviours,
): CompletionUsage {
  const cached = Math.min(behaviours.get('cached') ?? 0, prompt);
  const written = behaviours.get('cache-write');
  return {
    prompt_tokens: prompt,
    completion_tokens: visible + reasoning,
    total_tokens: prompt + visible + reasoning,
    prompt_tokens_details: {
      cached_tokens: cached,
      audio_tokens: 0,
      ...(written === undefined ? {} : { cache_write_tokens: Math.min(written, prompt - cached) }),
    },
    completion_tokens_details: {
      reasoning_tokens: reasoning,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  };
}

/** What the answer says of its usage, which a behaviour may falsify. `undefined` leaves the field out. */
export function reportedUsage<T extends Usage>(usage: T, behaviours: Behaviours): T | null | undefined {
  if (behaviours.has('no-usage')) return undefined;
  if (behaviours.has('null-usage')) return null;
  return behaviours.has('zero-usage') ? zeroed(usage) : usage;
}

/** The running usage some providers send with their first chunk: a placeholder of one output token, never the truth. */
export function placeholderUsage(usage: CompletionUsage): CompletionUsage {
  return { ...usage, completion_tokens: 1, total_tokens: usage.prompt_tokens + 1 };
}

function zeroed<T extends Usage>(usage: T): T {
  return JSON.parse(JSON.stringify(usage, (_, value: unknown) => (typeof value === 'number' ? 0 : value))) as T;
}
