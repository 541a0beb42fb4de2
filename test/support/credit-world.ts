import getPort from 'get-port';
import { LedgerVerifyService } from '../../src/ledger/ledger-verify.service';
import { newSigningKey } from '../../src/common/signing-key';
import { startAppOn, type TestApp } from './app';
import { post, query } from './calls';
import { brokenGrants } from './grants-world';
import { startWorld, type World } from './world';

/** An application that signs for prepaid credit, and takes what it signed. */
export interface CreditWorld extends World {
  /** The first one is the world itself, at whose address the authority is. */
  readonly replicas: readonly TestApp[];
  readonly env: Readonly<Record<string, string>>;
}

export const NETWORK = 'tollbridge:credit';

export async function startCreditWorld(
  options: { replicas?: number; env?: Record<string, string> } = {},
): Promise<CreditWorld> {
  const { replicas = 1, env: extra = {} } = options;
  const port = await getPort();
  const given = {
    PUBLIC_URL: `http://127.0.0.1:${port}`,
    CREDIT_AUTHORITY_JWKS: JSON.stringify({ keys: [newSigningKey()] }),
    ...extra,
  };
  const world = await startWorld({ ...given, PORT: String(port) });
  const env = { ...given, PORT: '0', UPSTREAM_URL: world.upstream.url };
  const others: TestApp[] = [];
  while (others.length < replicas - 1) others.push(await startAppOn({ url: world.databaseUrl }, env));
  return {
    ...world,
    env,
    replicas: [world, ...others],
    stop: async () => {
      for (const other of others) await other.stop();
      await world.stop();
    },
  };
}

// oxlint-disable-next-line typescript/no-explicit-any -- requirements, open to be spoiled
export type Open = any;

/** What the 402 to this request asks for in credit. */
export async function creditAskedFor(unpaid: Promise<Response>): Promise<Open> {
  const header = (await unpaid).headers.get('payment-required') ?? '';
  const { accepts } = JSON.parse(Buffer.from(header, 'base64').toString());
  return accepts.find(({ network }: Open) => network === NETWORK);
}

/** `POST /authorize`, as the draft has it; `change` is sent in place of what is right. */
export const authorize = (
  world: Pick<TestApp, 'url'>,
  bundle: { customerId: string; key: string },
  change: Record<string, unknown> = {},
): Promise<Response> =>
  post(world, '/authorize', bundle.key, {
    bundleId: bundle.customerId,
    amount: '5',
    asset: 'USD',
    resource: `${world.url}/v1/chat/completions`,
    idempotencyKey: crypto.randomUUID(),
    ...change,
  });

/** The attestation that was signed. */
export async function attestationOf(answer: Promise<Response>): Promise<string> {
  const response = await answer;
  const body: Open = await response.json();
  if (!response.ok) throw new Error(`not authorized: ${JSON.stringify(body)}`);
  return body.attestation;
}

/** The claims, without a look at the signature. */
export const claimsIn = (attestation: string): Open =>
  JSON.parse(Buffer.from(attestation.split('.')[1] ?? '', 'base64url').toString());

/** The header of a request that pays with an attestation. */
export const paidWith = (attestation: string, accepted: Open = ROW): Record<string, string> => ({
  'payment-signature': Buffer.from(
    JSON.stringify({ x402Version: 2, accepted, payload: { type: 'consume', attestation } }),
  ).toString('base64'),
});

const ROW = { scheme: 'batch-settlement', network: NETWORK };

/** `PAYMENT-RESPONSE`, as it was said. */
export const receiptOf = (response: Response): Open =>
  JSON.parse(Buffer.from(response.headers.get('payment-response') ?? '', 'base64').toString() || 'null');

/** The books are proved and nothing is held for a commitment that has ended, nor for none. */
export async function expectCreditBooks(world: CreditWorld): Promise<void> {
  const { checks } = await world.app.get(LedgerVerifyService).verify();
  expect(checks.filter(({ ok }) => !ok)).toEqual([]);
  const unequal = await query(
    world,
    `SELECT jti, commitments.state, holds.state AS hold FROM commitments FULL JOIN holds ON holds.id = jti
      WHERE (commitments.state = 'held') <> (holds.state = 'open')
         OR (commitments.state = 'settled') <> (holds.state = 'captured')
         OR jti IS NULL OR holds.id IS NULL`,
  );
  expect(unequal).toEqual([]);
  expect(await brokenGrants(world)).toEqual([]);
}

/** A resource server of somebody else, registered by the operator. */
export async function registerServer(
  world: Pick<TestApp, 'url' | 'adminToken'>,
  origin: string,
  more: Record<string, unknown> = {},
): Promise<{ id: string; key: string; origin: string }> {
  const response = await post(world, '/admin/resource-servers', world.adminToken, { name: 'A shop', origin, ...more });
  const body: Open = await response.json();
  if (response.status !== 201) throw new Error(`not registered: ${JSON.stringify(body)}`);
  return body;
}

/** `POST /verify` and `/settle`, as a stock facilitator client sends them. */
export async function facilitate(
  world: Pick<TestApp, 'url'>,
  what: 'verify' | 'settle',
  server: { key: string; origin: string },
  attestation: string,
  change: { requirements?: Open; payload?: Open } = {},
): Promise<Open> {
  const paymentRequirements = { ...ROW, amount: '5', asset: 'USD', payTo: 'merchant', ...change.requirements };
  const paymentPayload = {
    x402Version: 2,
    resource: { url: `${server.origin}/paid` },
    accepted: paymentRequirements,
    payload: { type: 'consume', attestation },
    ...change.payload,
  };
  const response = await post(world, `/${what}`, server.key, { x402Version: 2, paymentPayload, paymentRequirements });
  return response.json();
}
