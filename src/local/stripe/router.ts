import { setTimeout as sleep } from 'node:timers/promises';
import { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { parseBracketForm } from './bracket-form';
import { expandAnswer } from './expand';
import { type Fault, faultAnswer } from './faults';
import { IdempotencyKeys } from './idempotency';
import { newId } from './ids';
import { Params } from './params';
import { type Call, type Route } from './route';
import { API_VERSION, type Simulation } from './simulation';
import { passTime } from './time';
import { StripeFault, unauthorized, unrecognizedUrl } from './stripe-fault';

interface Answer {
  status: number;
  body: string;
  /** Not kept under an idempotency key: the endpoint never started to run. */
  passing?: boolean;
}

/**
 * Serves the `/v1` routes the way Stripe's API does: key first, then the idempotency key, then the parameters, then
 * the endpoint, then `expand[]`. Every answer has a `request-id`, and an error has Stripe's body.
 */
export function serveApi(app: FastifyInstance, sim: Simulation, secretKey: string, routes: readonly Route[]): void {
  const keys = new IdempotencyKeys(sim);
  for (const route of routes) {
    app.route({
      method: route.method,
      url: route.path,
      handler: async (request, reply) => {
        const desk = { sim, keys, secretKey, requestId: begin(request, reply) };
        const fault = sim.faults.take(route.method, pathOf(request));
        if (fault === undefined) return send(reply, await answerWithKey(request, reply, route, desk));
        return goWrong(fault, { request, reply, route, desk });
      },
    });
  }
  app.all('/v1/*', async (request, reply) => {
    begin(request, reply);
    const fault =
      sentKey(request) === secretKey
        ? unrecognizedUrl(request.method, pathOf(request))
        : unauthorized(sentKey(request));
    return send(reply, refusal(fault, sim, requestIdOf(reply)));
  });
}

interface Desk {
  sim: Simulation;
  keys: IdempotencyKeys;
  secretKey: string;
  requestId: string;
}

/** Answers as the fault says, or closes the connection. */
async function goWrong(
  fault: Fault,
  { request, reply, route, desk }: { request: FastifyRequest; reply: FastifyReply; route: Route; desk: Desk },
): Promise<FastifyReply> {
  const { kind, latencyMs } = fault;
  if (kind === 'latency') await sleep(latencyMs, undefined, { signal: desk.sim.stopping.signal });
  const works = kind === 'latency' || kind === 'reset_after' || kind === '500_after';
  const answer = works ? await answerWithKey(request, reply, route, desk) : undefined;
  if (kind === 'reset_before' || kind === 'reset_after') {
    reply.hijack();
    request.raw.socket.destroy();
    // Nobody sends an answer any more, so nothing else would.
    passTime(desk.sim);
    return reply;
  }
  const instead = faultAnswer(kind);
  if (instead === undefined) return send(reply, answer!);
  if (instead.shouldRetry !== undefined) reply.header('stripe-should-retry', instead.shouldRetry);
  return send(reply, refusal(instead.fault, desk.sim, desk.requestId));
}

async function answerWithKey(request: FastifyRequest, reply: FastifyReply, route: Route, desk: Desk): Promise<Answer> {
  const { sim, keys, requestId } = desk;
  const sent = sentKey(request);
  if (sent !== desk.secretKey) return refusal(unauthorized(sent), sim, requestId);
  const header = request.headers['idempotency-key'];
  // GET and DELETE are idempotent by themselves: Stripe ignores the key on them.
  const key = route.method === 'POST' && typeof header === 'string' ? header : null;
  const form = formOf(request);
  if (key === null) return run(request, route, form, desk, null);
  const endpoint = pathOf(request);
  try {
    const kept = keys.begin(key, endpoint, form);
    if (kept !== undefined) {
      reply.headers({ 'idempotent-replayed': 'true', 'original-request': kept.request });
      return { status: kept.status, body: kept.body };
    }
  } catch (error) {
    if (error instanceof StripeFault && error.status === 409) reply.header('stripe-should-retry', 'true');
    return refusal(error, sim, requestId);
  }
  let answer: Answer | undefined;
  try {
    answer = await run(request, route, form, desk, key);
  } finally {
    const keep = answer !== undefined && answer.passing !== true;
    keys.finish(
      key,
      form,
      keep ? { endpoint, request: requestId, status: answer!.status, body: answer!.body } : undefined,
    );
  }
  return answer;
}

async function run(
  request: FastifyRequest,
  route: Route,
  form: string,
  desk: Desk,
  key: string | null,
): Promise<Answer> {
  const { sim, requestId } = desk;
  if (sim.latencyMs > 0) await sleep(sim.latencyMs, undefined, { signal: sim.stopping.signal });
  const values = parseBracketForm(form);
  const expand = new Params(values).strings('expand');
  values.delete('expand');
  const { id = '' } = request.params as { id?: string };
  const caller = { id: requestId, idempotency_key: key };
  const call: Call = { sim, params: new Params(values), id, caller, path: pathOf(request) };
  try {
    return { status: 200, body: json(expandAnswer(sim, route.handle(call), expand)) };
  } catch (error) {
    return refusal(error, sim, requestId);
  }
}

/** GET and DELETE carry their parameters in the query, POST in the body. */
function formOf(request: FastifyRequest): string {
  if (request.method === 'POST') return typeof request.body === 'string' ? request.body : '';
  const start = request.url.indexOf('?');
  return start < 0 ? '' : request.url.slice(start + 1);
}

function pathOf(request: FastifyRequest): string {
  return request.url.split('?')[0] ?? '';
}

/** `Bearer <key>`, or Basic with the key as user name. https://docs.stripe.com/api/authentication */
function sentKey(request: FastifyRequest): string | undefined {
  const [scheme = '', value = ''] = (request.headers.authorization ?? '').split(' ');
  if (/^bearer$/i.test(scheme)) return value;
  if (/^basic$/i.test(scheme)) return Buffer.from(value, 'base64').toString('utf8').split(':')[0];
  return undefined;
}

function begin(request: FastifyRequest, reply: FastifyReply): string {
  const id = newId('req', 14);
  reply.headers({ 'request-id': id, 'stripe-version': request.headers['stripe-version'] ?? API_VERSION });
  const key = request.headers['idempotency-key'];
  if (typeof key === 'string') reply.header('idempotency-key', key);
  return id;
}

function requestIdOf(reply: FastifyReply): string {
  return String(reply.getHeader('request-id'));
}

function refusal(error: unknown, sim: Simulation, requestId: string): Answer {
  if (error instanceof StripeFault) {
    const body = { ...error.body, request_log_url: `${sim.url}/#${requestId}` };
    return { status: error.status, body: json({ error: body }), passing: error.beforeExecution };
  }
  sim.log(`simulator fault: ${error instanceof Error ? error.stack : String(error)}`);
  const message = `The simulator itself failed: ${String(error)}`;
  return { status: 500, body: json({ error: { type: 'api_error', message } }) };
}

function send(reply: FastifyReply, answer: Answer): FastifyReply {
  return reply.code(answer.status).type('application/json').send(answer.body);
}

function json(value: object): string {
  return JSON.stringify(value, null, 2);
}
