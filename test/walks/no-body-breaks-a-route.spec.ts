import { newSigningKey } from '../../src/common/signing-key';
import { json } from '../support/calls';
import { startX402World, type X402World } from '../support/x402-world';
import { customerWith } from '../support/world';

let world: X402World;

beforeAll(async () => {
  const keys = JSON.stringify({ keys: [newSigningKey()] });
  world = await startX402World({ env: { PUBLIC_URL: 'http://ai.example', CREDIT_AUTHORITY_JWKS: keys } });
});
afterAll(() => world?.stop());

const DEEP = `${'['.repeat(10_000)}${']'.repeat(10_000)}`;
const DEEP_OBJECT = `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`;
/** As deep as may be: what walks it has to bear that. */
const NESTED = `${'{"a":'.repeat(250)}1${'}'.repeat(250)}`;
const BODIES: readonly string[] = [
  DEEP,
  DEEP_OBJECT,
  `{"model":${DEEP},"amount":${DEEP},"name":${DEEP},"paymentPayload":${DEEP}}`,
  `{"paymentPayload":${DEEP_OBJECT},"paymentRequirements":${DEEP_OBJECT}}`,
  `{"x402Version":2,"paymentPayload":${NESTED},"paymentRequirements":${NESTED},"model":${NESTED},"amount":${NESTED}}`,
  'null',
  '[]',
  '[null]',
  '""',
  '0',
  '{}',
  '{"__proto__":{}}',
  '{"amount":1e999,"id":-0,"model":"\\u0000","name":"\\ud800"}',
  '{',
  '',
];

const send = (method: string, path: string, token: string, body: string) =>
  fetch(`${world.url}${path}`, {
    method,
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body,
  });

/** Every route that reads a body, with something in the place of each parameter. */
async function routes(): Promise<{ method: string; path: string }[]> {
  const { paths } = await json(await fetch(`${world.url}/docs/openapi.json`));
  return Object.entries<Record<string, unknown>>(paths).flatMap(([path, methods]) =>
    Object.keys(methods)
      .filter((method) => ['post', 'put', 'patch', 'delete'].includes(method))
      .map((method) => ({ method: method.toUpperCase(), path: path.replaceAll(/\{\w+\}/g, 'nothing') })),
  );
}

test('whatever is in the body of whichever route, for whomever: never a fault of ours', async () => {
  const { key } = await customerWith(world, 1_000_000_000n);
  const all = await routes();
  expect(all.length).toBeGreaterThan(20);
  const faults: string[] = [];
  for (const { method, path } of all) {
    for (const token of [world.adminToken, key]) {
      const answers = BODIES.map(async (body) => {
        const { status } = await send(method, path, token, body);
        // 501: not offered here, whatever is asked.
        if (status >= 500 && status !== 501) faults.push(`${status} ${method} ${path} ${body.slice(0, 60)}`);
      });
      await Promise.all(answers);
    }
  }
  expect(faults).toEqual([]);
  const deep = await send('PUT', '/admin/models', world.adminToken, DEEP);
  expect(await json(deep)).toMatchObject({ status: 400, code: 'body_too_deep' });
}, 300_000);
