import type { ServerResponse } from 'node:http';
import type { Answer, Bytes, Stamp, StreamEvent } from './answer';
import type { BehaviourName, Behaviours } from './behaviours';
import { errorBody } from './upstream-error';
import { BodyWriter, type Outcome, closed, finish, pause } from './wire';

/** What stops an answer before its end. */
type Fault = { readonly kind: 'fail-mid' | 'reset-mid' | 'eof-mid'; readonly after: number };

const FAULTS = ['reset-mid', 'fail-mid', 'eof-mid'] as const;
const FAILURE =
  'The upstream was told to fail. This sentence is an error text and not an answer: nobody may be billed for its words.';

/**
 * Sends an answer with every behaviour the request asked for, in the order a caller would meet them: `hang`, `slow`,
 * `reset`, `fail`, then the answer itself.
 * @returns how it ended: `aborted` when the caller left first, `failed` when a behaviour spoiled it
 */
export async function deliver(
  res: ServerResponse,
  status: number,
  answer: Answer,
  behaviours: Behaviours,
  stamp: Stamp,
): Promise<Outcome> {
  if (behaviours.has('hang')) {
    await closed(res);
    return 'aborted';
  }
  const slow = behaviours.get('slow') ?? 0;
  if (slow > 0 && !(await pause(res, slow))) return 'aborted';
  if (behaviours.has('reset')) {
    // RST and not FIN: nothing was sent that it could overtake.
    res.socket?.resetAndDestroy();
    return 'failed';
  }
  setHeaders(res, behaviours, stamp.id);
  const failure = behaviours.get('fail') ?? (behaviours.has('fail-mid') && !('events' in answer) ? 500 : undefined);
  if (failure !== undefined) return sendFailure(res, failure);
  if ('events' in answer) return sendStream(res, answer.events(stamp), behaviours);
  return sendBody(res, status, answer.json(stamp), behaviours);
}

function setHeaders(res: ServerResponse, behaviours: Behaviours, id: string): void {
  res.setHeader('x-request-id', id);
  if (behaviours.has('set-cookie')) res.setHeader('set-cookie', `upstream_session=${id}; Path=/; HttpOnly`);
  if (behaviours.has('settlement-override')) {
    res.setHeader('Settlement-Overrides', '{"amount":"999999999"}');
    res.setHeader('PAYMENT-RESPONSE', 'evil');
  }
}

async function sendFailure(res: ServerResponse, status: number): Promise<Outcome> {
  const code = status === 429 ? 'rate_limit_exceeded' : null;
  const body = errorBody(status, FAILURE, null, code);
  const retry = status === 429 || status === 503 ? { 'retry-after': '1' } : {};
  res.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), ...retry });
  const outcome = await finish(res, body);
  return outcome === 'completed' ? 'failed' : outcome;
}

async function sendBody(res: ServerResponse, status: number, json: Bytes, behaviours: Behaviours): Promise<Outcome> {
  const fault = faultOf(behaviours);
  const spoiled = fault !== null || behaviours.has('bad-json') || status >= 400;
  const body = fault !== null || behaviours.has('bad-json') ? json.slice(0, Math.floor(json.length / 2)) : json;
  res.writeHead(status, { 'content-type': 'application/json' });
  const writer = new BodyWriter(res, behaviours.has('split'));
  if (!(await writer.write(body)) || !writer.flush()) return 'aborted';
  if (fault?.kind === 'reset-mid') return cutOff(res);
  const outcome = await finish(res);
  return outcome === 'completed' && spoiled ? 'failed' : outcome;
}

async function sendStream(
  res: ServerResponse,
  events: Iterable<StreamEvent>,
  behaviours: Behaviours,
): Promise<Outcome> {
  const fault = faultOf(behaviours);
  const delay = behaviours.get('chunk-delay') ?? 0;
  const writer = new BodyWriter(res, behaviours.has('split'));
  res.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' });
  let sent = 0;
  let contents = 0;
  for (const event of events) {
    if (fault !== null && event.part !== 'opening' && (event.part === 'closing' || contents >= fault.after)) {
      return breakOff(res, writer, fault);
    }
    if (sent > 0 && delay > 0 && !(await pause(res, delay))) return 'aborted';
    const comment = behaviours.has('comments') && sent % 3 === 0 ? ': OPENROUTER PROCESSING\n\n' : '';
    const spoiled = behaviours.has('bad-json') && event.part === 'content' && contents === 0;
    const written = writer.write(
      comment + (spoiled ? `${event.bytes.slice(0, event.bytes.length / 2)}\n\n` : event.bytes),
    );
    // Awaited only when the socket is full, so that an unhurried stream leaves in few large writes.
    if (written !== true && !(await written)) return 'aborted';
    sent += 1;
    if (event.part === 'content') contents += 1;
  }
  if (!writer.flush()) return 'aborted';
  const outcome = await finish(res);
  return outcome === 'completed' && behaviours.has('bad-json') ? 'failed' : outcome;
}

async function breakOff(res: ServerResponse, writer: BodyWriter, fault: Fault): Promise<Outcome> {
  if (fault.kind === 'fail-mid' && !(await writer.write(`data: ${errorBody(500, FAILURE)}\n\n`))) return 'aborted';
  if (!writer.flush()) return 'aborted';
  if (fault.kind === 'reset-mid') return cutOff(res);
  const outcome = await finish(res);
  return outcome === 'completed' ? 'failed' : outcome;
}

/** Closes the connection in the middle of the body, but after what was written has left: an RST would overtake it. */
function cutOff(res: ServerResponse): Outcome {
  res.socket?.destroySoon();
  return 'failed';
}

function faultOf(behaviours: Behaviours): Fault | null {
  const kind = FAULTS.find((name: BehaviourName) => behaviours.has(name));
  return kind === undefined ? null : { kind, after: behaviours.get(kind) ?? 1 };
}
