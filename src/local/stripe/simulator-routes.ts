import { type FastifyInstance, type FastifyRequest } from 'fastify';
import { accountOf } from './account';
import { cardControls } from './card-controls';
import { checkoutControls } from './checkout-controls';
import { type Control, ControlBody } from './control';
import { deliveryControls } from './delivery-controls';
import { disputeControls } from './dispute-controls';
import { faultControls } from './fault-controls';
import { homePage } from './home-page';
import { moneyControls } from './money-controls';
import { refundControls } from './refund-controls';
import { type Simulation } from './simulation';
import { StripeFault } from './stripe-fault';

/** Another group of switches is another line here. */
const CONTROLS: readonly Control[] = [
  ...checkoutControls,
  ...cardControls,
  ...refundControls,
  ...disputeControls,
  ...moneyControls,
  ...deliveryControls,
  ...faultControls,
];

/** What tests and curious people use besides the API: no key, JSON in and out, never part of Stripe. */
export function serveSimulator(app: FastifyInstance, sim: Simulation): void {
  app.get('/', (_request, reply) => reply.type('text/html; charset=utf-8').send(homePage(sim)));
  app.get('/_simulator/deliveries', () => ({ data: sim.store.all('deliveries') }));
  app.get('/_simulator/webhooks', () => sim.webhooks.switches);
  app.get('/_simulator/faults', () => ({ data: sim.faults.list() }));
  app.get('/_simulator/account', () => accountOf(sim.store));
  app.get('/_simulator/clock', () => ({ now: sim.now() }));
  for (const { path, press } of CONTROLS) {
    app.post<{ Params: { id?: string } }>(`/_simulator/${path}`, async (request, reply) => {
      const answer = await press({ sim, id: request.params.id ?? '', body: new ControlBody(readBody(request)) });
      // The buttons of the start page are plain forms: bring their person back.
      return isForm(request) ? reply.redirect('/', 303) : answer;
    });
  }
}

/** The body as an object: JSON, a plain form (`outcome=failed`), or nothing. */
function readBody({ body }: FastifyRequest): Record<string, unknown> {
  if (typeof body === 'string') return Object.fromEntries(new URLSearchParams(body));
  if (body === undefined || body === null) return {};
  if (typeof body === 'object' && !Array.isArray(body)) return body as Record<string, unknown>;
  throw new StripeFault(400, { type: 'invalid_request_error', message: 'The body is a JSON object.' });
}

function isForm(request: FastifyRequest): boolean {
  return request.headers['content-type']?.startsWith('application/x-www-form-urlencoded') ?? false;
}
