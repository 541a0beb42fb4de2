import {
  type Answer,
  type Bytes,
  type EndpointRequest,
  type Stamp,
  type StreamEvent,
  bytesOf,
  readInteger,
} from './answer';
import type { Behaviours } from './behaviours';
import { type Pieces, everyPiece, hashText, naturalLength, writePieces } from './sentence';
import { UpstreamError } from './upstream-error';
import { type CompletionUsage, completionUsage, placeholderUsage, reportedUsage } from './usage';

export type FinishReason = 'stop' | 'length';

export interface Choice {
  readonly pieces: Pieces;
  readonly finish: FinishReason;
}

/** How a kind of completion writes itself. */
export interface CompletionFormat {
  readonly object: string;
  readonly chunkObject: string;
  /** A finished choice of a plain answer. */
  choice(index: number, text: string, finish: FinishReason): object;
  /** The choice inside a chunk, serialised; `null` when the kind opens its streams with the first token. */
  opening(index: number): string | null;
  /** The piece needs no escaping: the words of an answer hold nothing that JSON escapes. */
  content(index: number, piece: Bytes): string;
  closing(index: number, finish: FinishReason): string;
}

/** A prompt, read and counted. */
export interface CountedPrompt {
  readonly seeds: readonly number[];
  readonly tokens: number;
  /** The cap on each choice's output when the request names none. */
  readonly defaultMaximum?: number;
}

const LONGEST = 1_000_000;
const PIECES = new Map(everyPiece().map((piece) => [piece, bytesOf(piece)]));

/** Writes the choices of a completion and answers with them, streamed or whole. @throws UpstreamError 400 */
export function complete(request: EndpointRequest, prompt: CountedPrompt, format: CompletionFormat): Answer {
  const { body, behaviours } = request;
  const streamed = readFlag(body, 'stream');
  const includeUsage = readIncludeUsage(body, streamed);
  const { choices, reasoning } = writeChoices(request, prompt);
  const visible = choices.reduce((sum, choice) => sum + choice.pieces.length, 0);
  const usage = completionUsage(prompt.tokens, visible, reasoning, behaviours);
  if (streamed) {
    const told = includeUsage ? usage : null;
    return { events: (stamp) => streamEvents(request, stamp, choices, format, told), usage };
  }

  const fields = JSON.stringify({
    object: format.object,
    model: request.model,
    choices: choices.map((choice, index) => format.choice(index, choice.pieces.join(''), choice.finish)),
    usage: reportedUsage(usage, behaviours),
    service_tier: 'default',
    system_fingerprint: 'fp_local',
  });
  const rest = bytesOf(fields.slice(1));
  return { json: ({ id, created }) => `{"id":"chatcmpl-${id}","created":${created},${rest}`, usage };
}

/**
 * `n` choices for every prompt. Reasoning is the first choice's alone and is spent before its first visible token, so
 * `max_tokens` caps the two together, as it does at OpenAI: an answer never costs more than the request allowed.
 */
function writeChoices(request: EndpointRequest, prompt: CountedPrompt): { choices: Choice[]; reasoning: number } {
  const { body, behaviours } = request;
  const copies = readInteger(body, 'n', 1, 128) ?? 1;
  const asked = behaviours.get('tokens');
  const maximum =
    readInteger(body, 'max_completion_tokens', 1, LONGEST) ??
    readInteger(body, 'max_tokens', 1, LONGEST) ??
    (asked === undefined ? prompt.defaultMaximum : undefined) ??
    LONGEST;
  const reasoning = Math.min(behaviours.get('reasoning') ?? 0, maximum);
  const seeds = prompt.seeds.flatMap((seed) => copiesOf(seed, copies));
  const choices = seeds.map((seed, index): Choice => {
    const wanted = asked ?? naturalLength(seed);
    const budget = index === 0 ? maximum - reasoning : maximum;
    return { pieces: writePieces(seed, Math.min(wanted, budget)), finish: wanted > budget ? 'length' : 'stop' };
  });
  return { choices, reasoning };
}

function copiesOf(seed: number, copies: number): number[] {
  return Array.from({ length: copies }, (_, copy) => (copy === 0 ? seed : hashText(`#${copy}`, seed)));
}

/** The events of a stream, made one by one as they are sent: a long answer is never held in memory. */
function* streamEvents(
  request: EndpointRequest,
  stamp: Stamp,
  choices: readonly Choice[],
  format: CompletionFormat,
  usage: CompletionUsage | null,
): Generator<StreamEvent> {
  const { behaviours } = request;
  const head = chunkHead(request, stamp, format);
  const reported = usage === null ? undefined : reportedUsage(usage, behaviours);
  const tail = reported === undefined ? ']}\n\n' : '],"usage":null}\n\n';
  const placeholder = usage !== null && behaviours.has('placeholder-usage') ? placeholderUsage(usage) : null;
  let firstTail = placeholder === null ? tail : `],"usage":${JSON.stringify(placeholder)}}\n\n`;

  for (const index of choices.keys()) {
    const opening = format.opening(index);
    if (opening === null) continue;
    yield { part: 'opening', bytes: head + opening + firstTail };
    firstTail = tail;
  }
  const longest = choices.reduce((length, choice) => Math.max(length, choice.pieces.length), 0);
  for (let at = 0; at < longest; at++) {
    for (const [index, choice] of choices.entries()) {
      const piece = choice.pieces[at];
      if (piece === undefined) continue;
      yield { part: 'content', bytes: head + format.content(index, PIECES.get(piece) ?? piece) + firstTail };
      firstTail = tail;
    }
  }
  for (const [index, choice] of choices.entries()) {
    yield { part: 'closing', bytes: head + format.closing(index, choice.finish) + tail };
  }
  if (reported !== undefined) yield usageEvent(head, reported, behaviours);
  yield { part: 'closing', bytes: 'data: [DONE]\n\n' };
}

function chunkHead(request: EndpointRequest, stamp: Stamp, format: CompletionFormat): string {
  const head = JSON.stringify({
    id: `chatcmpl-${stamp.id}`,
    object: format.chunkObject,
    created: stamp.created,
    model: request.model,
    service_tier: 'default',
    system_fingerprint: 'fp_local',
  });
  return `data: ${bytesOf(head.slice(0, -1))},"choices":[`;
}

function usageEvent(head: string, usage: CompletionUsage | null, behaviours: Behaviours): StreamEvent {
  // Gateways that look for the usage only where `choices` is empty lose it here (LiteLLM #36168).
  const choices = behaviours.has('usage-with-choices') ? '{"index":0,"delta":{}}' : '';
  return { part: 'closing', bytes: `${head}${choices}],"usage":${JSON.stringify(usage)}}\n\n` };
}

function readFlag(body: EndpointRequest['body'], name: string): boolean {
  const value = body[name] ?? false;
  if (typeof value !== 'boolean') throw new UpstreamError(400, `Invalid '${name}': expected a boolean.`, name);
  return value;
}

function readIncludeUsage(body: EndpointRequest['body'], streamed: boolean): boolean {
  const options = body['stream_options'] ?? null;
  if (options === null) return false;
  if (!streamed) {
    throw new UpstreamError(400, `'stream_options' is only allowed when 'stream' is enabled.`, 'stream_options');
  }
  return typeof options === 'object' && 'include_usage' in options && options.include_usage === true;
}
