import { type Answer, type EndpointRequest, bytesOf, readChoice, readInteger, readTexts } from './answer';
import { hashText, randomFrom } from './sentence';
import { encodingOf } from './token-count';
import { UpstreamError } from './upstream-error';
import { reportedUsage } from './usage';

const MOST_INPUTS = 2048;

/** `POST /v1/embeddings`: a unit vector for every input, the same for a text and for its tokens. @throws UpstreamError 400 */
export function answerEmbeddings(request: EndpointRequest): Answer {
  const { body, model, behaviours } = request;
  const inputs = readTexts(body, 'input', encodingOf(model));
  if (inputs.length > MOST_INPUTS || inputs.some((input) => input.text === '')) {
    throw new UpstreamError(400, `Invalid 'input': expected 1 to ${MOST_INPUTS} inputs, none empty.`, 'input');
  }
  const format = readChoice(body, 'encoding_format', ['float', 'base64'], 'float');
  const whole = model.includes('embedding-3-large') ? 3072 : 1536;
  const dimensions = readInteger(body, 'dimensions', 1, whole) ?? whole;
  const data = inputs.map(({ text }, index) => {
    const vector = vectorOf(hashText(text, hashText(model)), dimensions);
    const embedding = format === 'base64' ? Buffer.from(vector.buffer).toString('base64') : Array.from(vector);
    return { object: 'embedding', index, embedding };
  });
  const tokens = inputs.reduce((sum, input) => sum + input.tokens, 0);
  const usage = { prompt_tokens: tokens, total_tokens: tokens };
  const json = bytesOf(JSON.stringify({ object: 'list', data, model, usage: reportedUsage(usage, behaviours) }));
  return { json: () => json, usage };
}

/** A unit vector; fewer dimensions are a prefix of more, scaled back to length one, as OpenAI shortens its own. */
function vectorOf(seed: number, dimensions: number): Float32Array {
  const next = randomFrom(seed);
  const vector = Float32Array.from({ length: dimensions }, () => next() / 2 ** 31 - 1);
  const length = Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0));
  return vector.map((value) => value / length);
}
