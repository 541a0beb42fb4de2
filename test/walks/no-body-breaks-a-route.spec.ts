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

/** The example of a body with this text in every string of it. */
function withText(schema: Schema | undefined, text: string, schemas: Record<string, Schema>): unknown {
  const known = schema?.$ref === undefined ? schema : schemas[schema.$ref.split('/').at(-1) as string];
  const of = (one: Schema | undefined) => withText(one, text, schemas);
  if (known?.allOf) return of(known.allOf[0]);
  if (known?.type === 'array') return [of(known.items)];
  if (known?.enum) return known.enum[0];
  if (known?.type === 'number' || known?.type === 'integer') return known.example ?? known.minimum ?? 1;
  if (known?.type === 'boolean') return true;
  if (known?.properties === undefined) return text;
  return Object.fromEntries(Object.entries(known.properties).map(([name, one]) => [name, of(one)]));
}

interface Schema {
  $ref?: string;
  type?: string;
  allOf?: Schema[];
  items?: Schema;
  enum?: unknown[];
  minimum?: number;
  example?: unknown;
  properties?: Record<string, Schema>;
}

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

test.each(['\u0000', 'a name \u0000\u001f', '\u0007\u001b'])(
  'text that cannot be kept (%j), in every string and every parameter: never a fault of ours',
  async (text) => {
    const { paths, components } = await json(await fetch(`${world.url}/docs/openapi.json`));
    const faults: string[] = [];
    for (const [path, methods] of Object.entries<Record<string, Operation>>(paths)) {
      for (const [method, { requestBody, parameters = [] }] of Object.entries(methods)) {
        const schema = requestBody?.content?.['application/json']?.schema;
        const body = schema && (withText(schema, text, components.schemas) as object);
        const query = parameters.filter((one) => one.in === 'query').map(({ name }): [string, string] => [name, text]);
        // Whole, and each text alone beside what is right: the first that is refused hides no other.
        const alone = Object.entries(body ?? {}).map(([name]) => ({ ...RIGHT, [name]: text }));
        const places = [path.replaceAll(/\{\w+\}/g, encodeURIComponent(text)), path.replaceAll(/\{\w+\}/g, 'cus_none')];
        for (const place of places) {
          for (const one of body
            ? [body, ...alone, { ...RIGHT, reason: text, by: text, customerId: text }]
            : [undefined]) {
            const address = `${world.url}${place}?${new URLSearchParams(query).toString()}`;
            const { status } = await fetch(body ? `${world.url}${place}` : address, {
              method: method.toUpperCase(),
              headers: { 'content-type': 'application/json', authorization: `Bearer ${world.adminToken}` },
              ...(one ? { body: JSON.stringify(one) } : {}),
            });
            if (status >= 500 && status !== 501) faults.push(`${status} ${method} ${place} ${JSON.stringify(one)}`);
          }
        }
      }
    }
    expect(faults).toEqual([]);
    const kept = { customerId: 'cus\u0000', amount: '1', reason: 'because' };
    const answer = await send('POST', '/admin/grants', world.adminToken, JSON.stringify(kept));
    expect(await json(answer)).toMatchObject({ status: 400, code: 'invalid_text' });
  },
  300_000,
);

const RIGHT = { amount: '1', reason: 'because', by: 'Ada', waive: true, customerId: 'cus_none', to: 'payer', cap: 1 };

interface Operation {
  requestBody?: { content?: Record<string, { schema?: Schema }> };
  parameters?: { name: string; in: string }[];
}
