import { type Answer, type EndpointRequest, readTexts } from './answer';
import { type CompletionFormat, complete } from './completion';
import { hashText } from './sentence';
import { encodingOf } from './token-count';

const FORMAT: CompletionFormat = {
  object: 'text_completion',
  chunkObject: 'text_completion',
  choice: (index, text, finish) => ({ text, index, logprobs: null, finish_reason: finish }),
  opening: () => null,
  content: (index, piece) => `{"text":"${piece}","index":${index},"logprobs":null,"finish_reason":null}`,
  closing: (index, finish) => `{"text":"","index":${index},"logprobs":null,"finish_reason":"${finish}"}`,
};

/** OpenAI's default for this endpoint; a caller who forgets it gets a cut answer, there as here. */
const DEFAULT_MAXIMUM = 16;

/** `POST /v1/completions`: `n` choices for every prompt. @throws UpstreamError 400 */
export function answerCompletion(request: EndpointRequest): Answer {
  const prompts = readTexts(request.body, 'prompt', encodingOf(request.model));
  const seeds = prompts.map((prompt) => hashText(prompt.text, hashText(request.model)));
  const tokens = prompts.reduce((sum, prompt) => sum + prompt.tokens, 0);
  return complete(request, { seeds, tokens, defaultMaximum: DEFAULT_MAXIMUM }, FORMAT);
}
