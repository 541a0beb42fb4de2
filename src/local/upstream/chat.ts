import type { Answer, EndpointRequest } from './answer';
import { type CompletionFormat, complete } from './completion';
import { hashText } from './sentence';
import { type CountedMessage, countChat, encodingOf } from './token-count';
import { UpstreamError } from './upstream-error';

const FORMAT: CompletionFormat = {
  object: 'chat.completion',
  chunkObject: 'chat.completion.chunk',
  choice: (index, content, finish) => ({
    index,
    message: { role: 'assistant', content, refusal: null, annotations: [] },
    logprobs: null,
    finish_reason: finish,
  }),
  opening: (index) =>
    `{"index":${index},"delta":{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null}`,
  content: (index, piece) => `{"index":${index},"delta":{"content":"${piece}"},"logprobs":null,"finish_reason":null}`,
  closing: (index, finish) => `{"index":${index},"delta":{},"logprobs":null,"finish_reason":"${finish}"}`,
};

/** `POST /v1/chat/completions`. Tools and sampling settings are read past. @throws UpstreamError 400 */
export function answerChat(request: EndpointRequest): Answer {
  const messages = readMessages(request.body);
  const tokens = countChat(encodingOf(request.model), messages);
  return complete(request, { seeds: [seedOf(request.model, messages)], tokens }, FORMAT);
}

/** The answer depends on the model and the prompt alone: behaviours and length change how it is told, not what. */
function seedOf(model: string, messages: readonly CountedMessage[]): number {
  let seed = hashText(model);
  for (const { role, name, texts, images } of messages) {
    seed = hashText(`\n${role}:${name ?? ''}:${images}`, seed);
    for (const text of texts) seed = hashText(text, seed);
  }
  return seed;
}

function readMessages(body: EndpointRequest['body']): CountedMessage[] {
  const messages = body['messages'];
  if (messages === undefined || messages === null) {
    throw new UpstreamError(400, `Missing required parameter: 'messages'.`, 'messages', 'missing_required_parameter');
  }
  if (!Array.isArray(messages) || messages.length === 0) {
    throw new UpstreamError(400, `Invalid 'messages': expected a non-empty array.`, 'messages');
  }
  return messages.map((message: unknown, index) => readMessage(message, `messages[${index}]`));
}

function readMessage(message: unknown, at: string): CountedMessage {
  if (!isRecord(message)) throw new UpstreamError(400, `Invalid '${at}': expected an object.`, at);
  const { role, name } = message;
  if (typeof role !== 'string' || role === '') {
    throw new UpstreamError(400, `Missing required parameter: '${at}.role'.`, `${at}.role`);
  }
  const content = readContent(message['content'], `${at}.content`);
  return { role, ...(typeof name === 'string' ? { name } : {}), ...content };
}

/** A string, an array of parts, or nothing (an assistant's tool call). Parts that are neither text nor image are free. */
function readContent(content: unknown, at: string): { texts: string[]; images: number } {
  if (typeof content === 'string') return { texts: [content], images: 0 };
  if (content === undefined || content === null) return { texts: [], images: 0 };
  if (!Array.isArray(content)) throw new UpstreamError(400, `Invalid '${at}': expected a string or an array.`, at);
  const texts: string[] = [];
  let images = 0;
  for (const part of content as unknown[]) {
    if (!isRecord(part) || typeof part['type'] !== 'string') {
      throw new UpstreamError(400, `Invalid '${at}': every part needs a 'type'.`, at);
    }
    const text = part['text'];
    if (part['type'] === 'image_url') images += 1;
    else if (part['type'] === 'text' && typeof text === 'string') texts.push(text);
    else if (part['type'] === 'text') throw new UpstreamError(400, `Invalid '${at}': a text part needs 'text'.`, at);
  }
  return { texts, images };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
