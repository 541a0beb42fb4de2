import { decodePaymentRequiredHeader, HTTPFacilitatorClient } from '@x402/core/http';
import { type DiscoveryExtension, validateDiscoveryExtension, withBazaar } from '@x402/extensions/bazaar';
import { json, post } from '../support/calls';
import { startX402World, type X402World } from '../support/x402-world';

const CHAT = { model: 'gpt-4o-mini', max_tokens: 50, messages: [{ role: 'user', content: 'Say something.' }] };

let world: X402World;
beforeAll(async () => {
  world = await startX402World({ env: { X402_EXTENSIONS: 'bazaar' } });
});
afterAll(() => world?.stop());

test.each(['', '/facilitator'])('the published client lists what is sold at %s/discovery/resources', async (path) => {
  const { bazaar } = withBazaar(new HTTPFacilitatorClient({ url: `${world.url}${path}` })).extensions;
  const all = await bazaar.listResources();
  const urls = all.items.map(({ resource }) => resource);
  expect(urls).toContain(`${world.url}/v1/chat/completions`);
  expect(all).toMatchObject({ x402Version: 2, pagination: { limit: 20, offset: 0, total: urls.length } });

  for (const { resource, accepts, extensions } of all.items) {
    const declared = extensions?.['bazaar'] as DiscoveryExtension | undefined;
    if (!declared || !('body' in declared.info.input)) throw new Error(`${resource} does not say how it is used.`);
    const { body } = declared.info.input;
    const unpaid = await post(world, new URL(resource).pathname, undefined, body);
    expect(unpaid.status).toBe(402);
    const required = decodePaymentRequiredHeader(unpaid.headers.get('payment-required') ?? '');
    const amountOf = (rows: readonly { scheme: string; amount?: string }[]) =>
      BigInt(rows.find(({ scheme }) => scheme === 'exact')?.amount ?? 0);
    // The list is made for more words than the example has: what it says is enough.
    expect(amountOf(accepts)).toBeGreaterThanOrEqual(amountOf(required.accepts));
  }

  const second = await bazaar.listResources({ type: 'http', scheme: 'exact', limit: 1, offset: 1 });
  expect(second.items.map(({ resource }) => resource)).toEqual(urls.slice(1, 2));
  for (const other of [{ type: 'mcp' }, { scheme: 'none' }, { network: 'eip155:1' }, { payTo: '0x00' }]) {
    expect((await bazaar.listResources(other)).items).toEqual([]);
  }
  await expect(bazaar.listResources({ limit: 101 })).rejects.toThrow('400');
});

test('a 402 says how its path is used, as the published package wants it', async () => {
  const unpaid = await post(world, '/v1/chat/completions', undefined, CHAT);
  const required = decodePaymentRequiredHeader(unpaid.headers.get('payment-required') ?? '');
  const declared = required.extensions?.['bazaar'] as DiscoveryExtension;
  expect(validateDiscoveryExtension(declared)).toEqual({ valid: true });
  expect(declared.info.input).toMatchObject({ method: 'POST', body: { model: 'gpt-4o-mini' } });
  expect(await json(unpaid)).toMatchObject({ code: 'payment_required' });
});
