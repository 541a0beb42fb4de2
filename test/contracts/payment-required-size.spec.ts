import { newSigningKey } from '../../src/common/signing-key';
import { chat } from '../support/world';
import { startX402World, type X402World } from '../support/x402-world';

/** What proxies and clients take without being told to: half of the smallest usual limit for one header. */
const BUDGET = 2_048;
const ORIGIN = `https://${'inference'.repeat(5)}.test`.slice(0, 60);

let world: X402World;

beforeAll(async () => {
  const jwks = JSON.stringify({ keys: [newSigningKey()] });
  world = await startX402World({ env: { PUBLIC_URL: ORIGIN, CREDIT_AUTHORITY_JWKS: jwks } });
});
afterAll(() => world?.stop());

test('PAYMENT-REQUIRED with every scheme, as it is without further settings, fits into two kilobytes', async () => {
  const response = await chat(world.url, undefined);
  const header = response.headers.get('payment-required') ?? '';

  expect(response.status).toBe(402);
  expect(JSON.parse(Buffer.from(header, 'base64').toString()).resource.url).toContain(ORIGIN);
  expect(header.length).toBeLessThanOrEqual(BUDGET);
});
