import { type FastifyInstance, type FastifyRequest } from 'fastify';
import { type Payment, authenticateSession, payLater, paySession, settleAsync } from './checkout-payment';
import { expireSession, requireSession } from './checkout-sessions';
import { homePage } from './home-page';
import { newCard } from './card';
import { NOBODY, type Simulation } from './simulation';
import { StripeFault, badParameter } from './stripe-fault';
import { type WebhookSwitches } from './webhook-delivery';

type WithId = { Params: { id: string } };
type Json = Record<string, unknown>;

const DEFAULT_CARD = '4242424242424242';
const MAX_DUPLICATES = 20;
const MAX_WAIT_MS = 60_000;

/** What tests and curious people use besides the API: no key, JSON in and out, never part of Stripe. */
export function serveSimulator(app: FastifyInstance, sim: Simulation): void {
  app.get('/', (_request, reply) => reply.type('text/html; charset=utf-8').send(homePage(sim)));
  app.get('/_simulator/deliveries', () => ({ data: sim.store.all('deliveries') }));
  app.get('/_simulator/webhooks', () => sim.webhooks.switches);
  app.post('/_simulator/webhooks', (request) => {
    sim.webhooks.set(readSwitches(json(request)));
    return sim.webhooks.switches;
  });
  app.post('/_simulator/webhooks/flush', () => sim.webhooks.flush());
  app.post<WithId>('/_simulator/events/:id/resend', (request) => {
    const event = sim.store.get('events', request.params.id);
    if (event === undefined) throw badParameter('resource_missing', `No such event: '${request.params.id}'`, 'id');
    sim.webhooks.dispatch(event);
    return { event: event.id, endpoints: sim.webhooks.endpointsFor(event.type).length };
  });
  app.post('/_simulator/api', (request) => {
    sim.latencyMs = readNumber(json(request), 'latencyMs', MAX_WAIT_MS) ?? sim.latencyMs;
    return { latencyMs: sim.latencyMs };
  });
  serveCheckoutActions(app, sim);
}

/** The buttons of the hosted page, for scripts. Each answers `{ outcome, session }`. */
function serveCheckoutActions(app: FastifyInstance, sim: Simulation): void {
  app.post<WithId>('/_simulator/checkout/:id/pay', (request) => {
    const { card } = json(request);
    if (card !== undefined && typeof card !== 'string')
      throw badParameter('parameter_invalid', 'card is a string', 'card');
    const number = (card ?? DEFAULT_CARD).replaceAll(/[ -]/g, '');
    const expYear = new Date().getUTCFullYear() + 1;
    const session = requireSession(sim, request.params.id);
    return shown(paySession(sim, session, newCard(sim, { number, expMonth: 12, expYear, cvc: '123' })));
  });
  app.post<WithId>('/_simulator/checkout/:id/authenticate', (request) => {
    const outcome = readOutcome(json(request));
    return shown(authenticateSession(sim, requireSession(sim, request.params.id), outcome === 'succeeded'));
  });
  app.post<WithId>('/_simulator/checkout/:id/pay_later', (request) =>
    shown(payLater(sim, requireSession(sim, request.params.id))),
  );
  app.post<WithId>('/_simulator/checkout/:id/settle_async', (request, reply) => {
    const session = requireSession(sim, request.params.id);
    settleAsync(sim, session, readOutcome(json(request)));
    // The buttons of the start page are plain forms: bring their person back.
    if (isForm(request)) return reply.redirect('/', 303);
    return { outcome: session.payment_status, session };
  });
  app.post<WithId>('/_simulator/checkout/:id/expire', (request) => {
    const session = requireSession(sim, request.params.id);
    expireSession(sim, session, NOBODY);
    return { outcome: session.status, session };
  });
}

function shown(payment: Payment): Json {
  const { kind, session } = payment;
  const why = payment.kind === 'declined' ? { code: payment.code, message: payment.message } : {};
  return { outcome: kind, ...why, session };
}

function readSwitches(body: Json): Partial<WebhookSwitches> {
  const switches: Partial<WebhookSwitches> = {};
  const duplicate = readNumber(body, 'duplicate', MAX_DUPLICATES);
  const delayMs = readNumber(body, 'delayMs', MAX_WAIT_MS);
  if (duplicate !== undefined) switches.duplicate = duplicate;
  if (delayMs !== undefined) switches.delayMs = delayMs;
  for (const name of ['shuffle', 'paused'] as const) {
    const value = body[name];
    if (value === undefined) continue;
    if (typeof value !== 'boolean') throw badParameter('parameter_invalid', `${name} is a boolean`, name);
    switches[name] = value;
  }
  return switches;
}

function readNumber(body: Json, name: string, most: number): number | undefined {
  const value = body[name];
  if (value === undefined) return undefined;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= most) return value;
  throw badParameter('parameter_invalid', `${name} is a whole number from 0 to ${most}`, name);
}

function readOutcome(body: Json): 'failed' | 'succeeded' {
  const { outcome } = body;
  if (outcome === 'succeeded' || outcome === 'failed') return outcome;
  throw badParameter('parameter_invalid', "outcome is 'succeeded' or 'failed'", 'outcome');
}

/** The body as an object: JSON, a plain form (`outcome=failed`), or nothing. */
function json(request: FastifyRequest): Json {
  const { body } = request;
  if (typeof body === 'string') return Object.fromEntries(new URLSearchParams(body));
  if (body === undefined || body === null) return {};
  if (typeof body === 'object' && !Array.isArray(body)) return body as Json;
  throw new StripeFault(400, { type: 'invalid_request_error', message: 'The body is a JSON object.' });
}

function isForm(request: FastifyRequest): boolean {
  return request.headers['content-type']?.startsWith('application/x-www-form-urlencoded') ?? false;
}
