import type { IncomingHttpHeaders } from 'node:http';
import { type Answer, type EndpointRequest, bytesOf } from './answer';
import { type Behaviours, NO_BEHAVIOURS, readBehaviours, splitModel } from './behaviours';
import { answerChat } from './chat';
import { answerEmbeddings } from './embeddings';
import { answerImages } from './images';
import { answerCompletion } from './text-completion';
import { UpstreamError, errorBody } from './upstream-error';

/** A request understood, and what it will be answered. */
export interface Reading {
  /** Without the query. */
  readonly path: string;
  /** Without its behaviours; `null` when none could be read. */
  readonly model: string | null;
  readonly body: unknown;
  readonly behaviours: Behaviours;
  readonly status: number;
  readonly answer: Answer;
}

type Endpoint = (request: EndpointRequest) => Answer;

const MODELS = [
  ...['gpt-5', 'gpt-5-mini', 'gpt-4o', 'gpt-4o-mini', 'gpt-4', 'gpt-3.5-turbo', 'gpt-3.5-turbo-instruct'],
  ...['text-embedding-3-small', 'text-embedding-3-large', 'gpt-image-1', 'dall-e-3'],
];
const MODEL_LIST = JSON.stringify({
  object: 'list',
  data: MODELS.map((id) => ({ id, object: 'model', created: 1_715_367_049, owned_by: 'tollbridge-local' })),
});
const ENDPOINTS = new Map<string, Endpoint>([
  ['POST /v1/chat/completions', answerChat],
  ['POST /v1/completions', answerCompletion],
  ['POST /v1/embeddings', answerEmbeddings],
  ['POST /v1/images/generations', answerImages],
  ['GET /v1/models', () => ({ json: () => MODEL_LIST, usage: null })],
]);
const ENDPOINTS_HINT = [...ENDPOINTS.keys()].join(', ');
const REMEMBERED = 512;
const REMEMBERED_LENGTH = 4096;

/**
 * Turns requests into answers. Short requests it has read before are answered from memory: answers depend on the
 * request alone, and a load test repeats itself; the upstream must not be what it measures.
 */
export class RequestReader {
  private readonly remembered = new Map<string, Reading>();

  constructor(private readonly apiKey: string | undefined) {}

  /** Never throws: whatever is wrong with a request becomes a status and a body. */
  read(method: string, url: string, headers: IncomingHttpHeaders, text: string): Reading {
    if (this.apiKey !== undefined && headers.authorization !== `Bearer ${this.apiKey}`) {
      const error = new UpstreamError(401, 'Incorrect API key provided.', null, 'invalid_api_key');
      return refusal(error, draftOf(url));
    }
    if (text.length > REMEMBERED_LENGTH) return readAnew(method, url, headers, text);
    const key = `${method} ${url}\n${String(headers['x-upstream-behave'] ?? '')}\n${text}`;
    const known = this.remembered.get(key);
    if (known !== undefined) return known;
    const reading = readAnew(method, url, headers, text);
    // Streams are left out: their words are kept as pieces, and a long one's pieces are megabytes.
    if (reading.status === 200 && 'json' in reading.answer) this.remember(key, reading);
    return reading;
  }

  private remember(key: string, reading: Reading): void {
    if (this.remembered.size >= REMEMBERED) this.remembered.delete(this.remembered.keys().next().value as string);
    this.remembered.set(key, reading);
  }
}

/** What is known of a request so far, should it have to be refused half-read. */
interface Draft {
  readonly path: string;
  model: string | null;
  body: unknown;
  behaviours: Behaviours;
}

function readAnew(method: string, url: string, headers: IncomingHttpHeaders, text: string): Reading {
  const draft = draftOf(url);
  try {
    const answer = ask(method, String(headers['x-upstream-behave'] ?? ''), text, draft);
    return { ...draft, status: 200, answer };
  } catch (error) {
    return refusal(error, draft);
  }
}

function draftOf(url: string): Draft {
  const query = url.indexOf('?');
  const path = query === -1 ? url : url.slice(0, query);
  return { path, model: null, body: null, behaviours: NO_BEHAVIOURS };
}

function ask(method: string, header: string, text: string, draft: Draft): Answer {
  const endpoint = ENDPOINTS.get(`${method} ${draft.path}`);
  if (endpoint === undefined) {
    const message = `Unknown request URL: ${method} ${draft.path}. There is ${ENDPOINTS_HINT}.`;
    throw new UpstreamError(404, message, null, 'unknown_url');
  }
  if (method === 'GET') {
    draft.behaviours = readBehaviours('', header);
    return endpoint({ body: {}, model: '', behaviours: draft.behaviours });
  }
  const body = parseBody(text);
  draft.body = body;
  const asked = body['model'];
  if (typeof asked !== 'string' || asked === '') {
    throw new UpstreamError(400, 'You must provide a model parameter.', 'model', 'missing_required_parameter');
  }
  const { model, suffix } = splitModel(asked);
  draft.model = model;
  draft.behaviours = readBehaviours(suffix, header);
  return endpoint({ body, model, behaviours: draft.behaviours });
}

function refusal(error: unknown, draft: Draft): Reading {
  const status = error instanceof UpstreamError ? error.status : 500;
  const json = error instanceof UpstreamError ? error.toBody() : errorBody(500, String(error));
  const bytes = bytesOf(json);
  return { ...draft, status, answer: { json: () => bytes, usage: null } };
}

function parseBody(text: string): Record<string, unknown> {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    throw new UpstreamError(400, 'We could not parse the JSON body of your request.');
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new UpstreamError(400, 'The body of a request is a JSON object.');
  }
  return body as Record<string, unknown>;
}
