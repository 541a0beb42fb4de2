import { randomBytes } from 'node:crypto';
import { fastify, type FastifyInstance } from 'fastify';
import { planDailyPayout } from './automatic-payouts';
import { balanceRoutes } from './balance';
import { balanceTransactionRoutes } from './balance-transactions';
import { chargeRoutes } from './charges';
import { checkoutSessionRoutes } from './checkout-sessions';
import { customerRoutes } from './customers';
import { disputeRoutes } from './disputes';
import { earlyFraudWarningRoutes } from './early-fraud-warnings';
import { eventRoutes } from './events';
import { serveHostedPages } from './hosted-routes';
import { paymentIntentRoutes } from './payment-intents';
import { paymentMethodRoutes } from './payment-methods';
import { invoiceRoutes } from './invoices';
import { payoutRoutes } from './payouts';
import { priceRoutes } from './prices';
import { productRoutes } from './products';
import { refundRoutes } from './refunds';
import { type Route } from './route';
import { serveApi } from './router';
import { setupIntentRoutes } from './setup-intents';
import { Simulation } from './simulation';
import { serveSimulator } from './simulator-routes';
import { StateFile, readState } from './state-file';
import { Store } from './store';
import { StripeFault } from './stripe-fault';
import { testClockRoutes } from './test-clocks';
import { taxIdRoutes } from './tax-ids';
import { taxRegistrationRoutes } from './tax-registrations';
import { passTime } from './time';
import { WebhookDelivery } from './webhook-delivery';
import { newWebhookEndpoint, webhookEndpointRoutes } from './webhook-endpoints';

export interface StripeSimulatorOptions {
  /** A free one is taken when left out. */
  port?: number;
  /** The only key the API takes; made up when left out. */
  secretKey?: string;
  /** The endpoint every event goes to; its url may also come later, see `setWebhook`. */
  webhook?: { url?: string; secret?: string };
  /** Keeps the state in this file, so that a restart knows its customers and sessions again. */
  stateFile?: string;
  log?: (line: string) => void;
}

export interface StripeSimulator {
  /** Without a slash at the end. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  readonly secretKey: string;
  /** Signs what goes to the default endpoint until it is rolled; the same after `setWebhook` and a restart. */
  readonly webhookSecret: string;
  /** Points the default endpoint at `url` (all events), from the next event on. */
  setWebhook(url: string): void;
  /** Stops listening and sending, writes the state file; leaves no timer and no socket. */
  stop(): Promise<void>;
}

const HOST = '127.0.0.1';
const DEFAULT_ENDPOINT = 'we_simulator_default';
const TICK_MS = 1_000;

/** Another resource is another file and another line here. */
const ROUTES: readonly Route[] = [
  ...customerRoutes,
  ...productRoutes,
  ...priceRoutes,
  ...checkoutSessionRoutes,
  ...paymentIntentRoutes,
  ...setupIntentRoutes,
  ...paymentMethodRoutes,
  ...chargeRoutes,
  ...refundRoutes,
  ...disputeRoutes,
  ...earlyFraudWarningRoutes,
  ...balanceRoutes,
  ...balanceTransactionRoutes,
  ...payoutRoutes,
  ...eventRoutes,
  ...webhookEndpointRoutes,
  ...testClockRoutes,
  ...taxIdRoutes,
  ...taxRegistrationRoutes,
  ...invoiceRoutes,
];

/**
 * Starts a Stripe that lives in this process: the API for the unchanged `stripe` package
 * (`new Stripe(key, { host, port, protocol: 'http' })`), the hosted checkout page, and signed webhooks.
 * Rejects when the port is taken or the state file is not one.
 */
export async function startStripeSimulator(options: StripeSimulatorOptions = {}): Promise<StripeSimulator> {
  const log = options.log ?? (() => undefined);
  const store = new Store(options.stateFile === undefined ? {} : await readState(options.stateFile));
  const state = options.stateFile === undefined ? undefined : new StateFile(options.stateFile, store, log);
  const webhooks = new WebhookDelivery(store, log);
  const sim = new Simulation(store, webhooks, log);
  const secretKey = options.secretKey ?? `sk_test_${randomBytes(24).toString('hex')}`;
  const webhookSecret = prepareEndpoint(sim, options.webhook);
  const currentSecret = () => store.get('webhook_endpoints', DEFAULT_ENDPOINT)?.secret ?? webhookSecret;
  const app = await listen(sim, secretKey, options.port ?? 0);
  const { port } = new URL(sim.url);
  const tick = setInterval(() => passTime(sim), TICK_MS).unref();
  planDailyPayout(sim);
  passTime(sim);
  webhooks.resume();
  return {
    url: sim.url,
    host: HOST,
    port: Number(port),
    secretKey,
    get webhookSecret() {
      return currentSecret();
    },
    setWebhook: (url) => pointEndpoint(sim, url, currentSecret()),
    stop: async () => {
      clearInterval(tick);
      sim.stopping.abort();
      await app.close();
      await webhooks.stop();
      await state?.close();
    },
  };
}

async function listen(sim: Simulation, secretKey: string, port: number): Promise<FastifyInstance> {
  const app = fastify({ forceCloseConnections: true });
  // Kept as text: a form's meaning depends on the endpoint, and idempotency compares what was sent.
  app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) =>
    done(null, body),
  );
  app.setErrorHandler((error: Error, _request, reply) => {
    const fault =
      error instanceof StripeFault
        ? error
        : new StripeFault(statusOf(error), { type: 'api_error', message: error.message });
    if (fault.status >= 500) sim.log(`simulator fault: ${error.stack}`);
    return reply.code(fault.status).send({ error: fault.body });
  });
  app.addHook('onRequest', (_request, _reply, done) => {
    passTime(sim);
    done();
  });
  // What follows from a request at once (a magic card's dispute) has happened when it is answered.
  app.addHook('onSend', (_request, _reply, payload, done) => {
    passTime(sim);
    done(null, payload);
  });
  serveApi(app, sim, secretKey, ROUTES);
  serveHostedPages(app, sim);
  serveSimulator(app, sim);
  sim.url = await app.listen({ host: HOST, port });
  // After a restart the port may be another one.
  for (const session of sim.store.all('sessions')) {
    if (session.status === 'open') session.url = `${sim.url}/c/pay/${session.id}`;
  }
  return app;
}

/** Keeps the default endpoint's secret across restarts unless another one is asked for. */
function prepareEndpoint(sim: Simulation, wanted: StripeSimulatorOptions['webhook']): string {
  const kept = sim.store.get('webhook_endpoints', DEFAULT_ENDPOINT);
  const secret = wanted?.secret ?? kept?.secret ?? `whsec_${randomBytes(24).toString('hex')}`;
  const url = wanted?.url ?? kept?.url;
  if (url !== undefined) pointEndpoint(sim, url, secret);
  return secret;
}

function pointEndpoint(sim: Simulation, url: string, secret: string): void {
  newWebhookEndpoint(sim, { id: DEFAULT_ENDPOINT, url, secret, enabled_events: ['*'] });
}

function statusOf(error: Error): number {
  return 'statusCode' in error && typeof error.statusCode === 'number' ? error.statusCode : 500;
}
