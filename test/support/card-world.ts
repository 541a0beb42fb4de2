import { spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { join } from 'node:path';
import Stripe from 'stripe';
import { type Customer } from '../../src/customers/customer';
import { ApiKeysService } from '../../src/customers/api-keys.service';
import { CustomersService } from '../../src/customers/customers.service';
import { DatabaseService } from '../../src/database/database.service';
import { stripeClearing } from '../../src/ledger/ledger-account';
import { LedgerAccountsService } from '../../src/ledger/ledger-accounts.service';
import { startStripeSimulator, type StripeSimulator } from '../../src/local/stripe/stripe-simulator';
import { baseEnvironment, startTestApp, type TestApp } from './app';
import { brokenGrants } from './grants-world';
import { brokenInvariants } from './invariants';
import { eventually } from './program';

/** The application, connected to a Stripe simulator that delivers its webhooks here. */
export interface CardWorld {
  readonly app: TestApp;
  readonly simulator: StripeSimulator;
  /** The real package, for what happens at Stripe without us. */
  readonly stripe: Stripe;
  readonly database: DatabaseService;
  /** A new customer and a key of it. */
  customer(scopes?: readonly ('billing' | 'inference')[]): Promise<{ customer: Customer; key: string }>;
  /** Asks the application; `key` is sent as the bearer token. */
  ask(key: string, path: string, body?: unknown): Promise<{ status: number; body: Json }>;
  /** A top-up of `cents`, with the id of its session at Stripe. */
  topUp(key: string, cents: number): Promise<{ id: string; session: string }>;
  /** Presses a button at the simulator: `checkout/cs_…/pay`, `webhooks`, … */
  press(path: string, body?: unknown): Promise<Json>;
  /** A webhook with these bytes, signed by default as Stripe would. */
  deliver(body: string, header?: string): Promise<{ status: number; body: Json }>;
  /** Waits for all webhooks so far to be delivered; a failed one is tried again. */
  delivered(): Promise<void>;
  stop(): Promise<void>;
}

// oxlint-disable-next-line typescript/no-explicit-any -- answers of many shapes, looked into by tests
export type Json = any;

export async function startCardWorld(env: Record<string, string> = {}): Promise<CardWorld> {
  const simulator = await startStripeSimulator();
  const app = await startTestApp({ ...environmentOf(simulator), ...env });
  simulator.setWebhook(`${app.url}/webhooks/stripe`);
  const get = <Service>(service: new (...given: never[]) => Service) =>
    app.app.get<Service>(service, { strict: false });
  const call = async (url: string, init: RequestInit): Promise<{ status: number; body: Json }> => {
    const response = await fetch(url, init);
    const text = await response.text();
    return { status: response.status, body: text.startsWith('{') ? JSON.parse(text) : text };
  };
  const json = { 'content-type': 'application/json' };
  const world: CardWorld = {
    app,
    simulator,
    stripe: new Stripe(simulator.secretKey, { host: simulator.host, port: simulator.port, protocol: 'http' }),
    database: get(DatabaseService),
    customer: async (scopes = ['billing']) => {
      const customer = await get(CustomersService).create('Acme', 'billing@acme.example');
      const key = { name: 'test', scopes, models: null, expiresAt: null };
      return { customer, key: (await get(ApiKeysService).create(customer.id, key)).secret };
    },
    ask: (key, path, body) =>
      call(`${app.url}${path}`, {
        headers: { ...(key === '' ? {} : { authorization: `Bearer ${key}` }), ...(body === undefined ? {} : json) },
        ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
      }),
    topUp: async (key, cents) => {
      const { status, body } = await world.ask(key, '/v1/topups', { amountCents: cents });
      if (status !== 201) throw new Error(`no top-up: ${status} ${JSON.stringify(body)}`);
      return { id: body.id, session: body.url.split('/').pop() };
    },
    press: async (path, body = {}) => {
      const answer = await call(`${simulator.url}/_simulator/${path}`, {
        method: 'POST',
        headers: json,
        body: JSON.stringify(body),
      });
      if (answer.status >= 300) throw new Error(`${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
      return answer.body;
    },
    deliver: (body, header = sign(body, simulator.webhookSecret)) =>
      call(`${app.url}/webhooks/stripe`, { method: 'POST', headers: { ...json, 'stripe-signature': header }, body }),
    delivered: async () => {
      await world.press('webhooks/flush');
    },
    stop: async () => {
      await simulator.stop();
      await app.stop();
    },
  };
  return world;
}

const environmentOf = (simulator: StripeSimulator) => ({
  STRIPE_SECRET_KEY: simulator.secretKey,
  STRIPE_WEBHOOK_SECRET: simulator.webhookSecret,
  STRIPE_API_URL: simulator.url,
  PUBLIC_URL: 'https://tollbridge.example',
});

/** A replica in a process of its own. `crash` ends it by SIGKILL: no handler runs, no transaction is rolled back. */
export async function startMortalReplica(world: CardWorld): Promise<{ url: string; crash(): Promise<void> }> {
  const script = `
    require('./test/support/typescript.cjs');
    require('./src/application').createApplication(false)
      .then(async (app) => { await app.listen(0, '127.0.0.1'); console.log(await app.getUrl()); });
  `;
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', '-e', script], {
    cwd: join(__dirname, '../..'),
    env: { ...process.env, ...baseEnvironment(world.app.databaseUrl), ...environmentOf(world.simulator) },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const url = await Promise.race([
    new Promise<string>((resolve) => child.stdout.once('data', (line: Buffer) => resolve(line.toString().trim()))),
    gone.then(() => Promise.reject(new Error('the replica did not start'))),
  ]);
  const crash = () => {
    child.kill('SIGKILL');
    return gone;
  };
  return { url, crash };
}

/** `Stripe-Signature` for these bytes, at `seconds` of Unix time. */
export function sign(body: string, secret: string, seconds = Math.floor(Date.now() / 1000)): string {
  return `t=${seconds},v1=${createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex')}`;
}

/** The newest event of a type at Stripe, as the bytes of its webhook. */
export async function eventBody(world: CardWorld, type: string): Promise<string> {
  const { data } = await world.stripe.events.list({ type, limit: 1 });
  if (!data[0]) throw new Error(`no ${type}`);
  return JSON.stringify(data[0]);
}

/**
 * The end of every walk with cards: all is delivered and done, the books are sound, and what they say is at Stripe is
 * what Stripe says. Jobs that wait for later (a fee that nobody has told of) are left alone.
 */
export async function conclude(world: CardWorld): Promise<void> {
  await world.press('webhooks', { paused: false });
  await world.delivered();
  await eventually('The end of due jobs', async () => {
    const [left] = await world.database.query<{ count: bigint }>(
      `SELECT count(*) FROM jobs WHERE finished_at IS NULL AND (state <> 'waiting' OR run_at <= now())`,
    );
    return left?.count === 0n ? true : undefined;
  });
  expect(await brokenInvariants((sql, parameters) => world.database.query(sql, parameters))).toEqual([]);
  expect(await brokenGrants(world.app)).toEqual([]);
  const { posted } = await world.app.app.get(LedgerAccountsService, { strict: false }).balance(stripeClearing());
  const movements = await world.stripe.balanceTransactions.list({ limit: 100 }).autoPagingToArray({ limit: 10_000 });
  const atStripe = movements.reduce((sum, { net }) => sum + BigInt(net), 0n);
  expect(-posted.atoms).toBe(atStripe * 10_000_000n);
}

/** What the deliveries did, in alphabetical order: which of them came first is chance. */
export const effectsOf = (answers: readonly { body: Json }[]): string[] =>
  answers.map((answer) => String(answer.body.effect)).toSorted((a, b) => a.localeCompare(b));
