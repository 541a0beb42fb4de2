import { wrapFetchWithPaymentFromConfig } from '@x402/fetch';
import { CreditBundleError, CreditBundleScheme } from '../../src/payments-client/credit-bundle';
import { booksOf, eventsOf, json, post, query, textOf } from '../support/calls';
import { type CreditWorld, expectCreditBooks, NETWORK, receiptOf, startCreditWorld } from '../support/credit-world';
import { customerWith } from '../support/world';

const DOLLAR = 1_000_000_000n;
const CENT = 10_000_000n;
const CHAT = { model: 'gpt-4o-mini', max_tokens: 50, messages: [{ role: 'user', content: 'Say something.' }] };

let world: CreditWorld;
let bundle: { customerId: string; key: string };

beforeAll(async () => {
  world = await startCreditWorld();
});
beforeEach(async () => {
  bundle = await customerWith(world, DOLLAR);
});
afterEach(() => expectCreditBooks(world));
afterAll(() => world?.stop());

/** As in the README of @x402/fetch, with our scheme and default spending limits. */
const paying = (change: Partial<ConstructorParameters<typeof CreditBundleScheme>[0]> = {}) => {
  const { customerId: bundleId, key: apiKey } = bundle;
  const client = new CreditBundleScheme({ bundleId, apiKey, authorities: [world.url], ...change });
  return wrapFetchWithPaymentFromConfig(fetch, { schemes: [{ network: NETWORK, client }] });
};

const send = (body: unknown, pay = paying()) =>
  pay(`${world.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });

test('the 402 offers prepaid credit, in cents and at one origin', async () => {
  const unpaid = await post(world, '/v1/chat/completions', undefined, CHAT);

  expect(unpaid.status).toBe(402);
  const header = unpaid.headers.get('payment-required') ?? '';
  expect(JSON.parse(Buffer.from(header, 'base64').toString()).accepts).toEqual([
    {
      scheme: 'batch-settlement',
      network: NETWORK,
      amount: '1',
      asset: 'USD',
      payTo: 'merchant',
      maxTimeoutSeconds: expect.any(Number),
      extra: { version: '1.0.0', authority: world.url, purchaseUrl: `${world.url}/v1/topups` },
    },
  ]);
});

test('a plain call holds a cent and takes exactly what it used', async () => {
  const response = await send(CHAT);

  expect(response.status).toBe(200);
  const { usage } = await json(response);
  const exact = BigInt(usage.prompt_tokens) * 150n + BigInt(usage.completion_tokens) * 600n;
  const { available, held } = await booksOf(world, bundle.customerId);
  expect(available.atoms).toBe(DOLLAR - exact);
  expect(held.atoms).toBe(0n);

  const receipt = receiptOf(response);
  expect(receipt).toEqual({
    success: true,
    transaction: '',
    network: NETWORK,
    payer: bundle.customerId,
    amount: '',
    extra: {
      commitmentId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      chargedAmount: '1',
      tollbridge: { chargedNanoUsd: exact.toString() },
      bundleState: { bundleId: bundle.customerId, balance: '99', asset: 'USD', expiresAt: null },
    },
  });
  const invoice = await json(await fetch(`${world.url}/v1/invoices/${response.headers.get('x-tollbridge-invoice')}`));
  expect(invoice).toMatchObject({
    rail: 'credit-binding',
    asset: 'USD',
    atoms: exact.toString(),
    evidence: { commitment: receipt.extra.commitmentId, network: NETWORK },
  });
  expect(response.headers.get('x-tollbridge-cost')).toBe(invoice.amount);
});

test('a streamed call is settled after its last byte', async () => {
  const response = await send({ ...CHAT, stream: true, stream_options: { include_usage: true } });

  expect(response.status).toBe(200);
  const events = eventsOf(await response.text());
  expect(textOf(events)).not.toBe('');
  const { usage } = events.at(-2);
  const exact = BigInt(usage.prompt_tokens) * 150n + BigInt(usage.completion_tokens) * 600n;
  const { available, held } = await booksOf(world, bundle.customerId);
  expect({ available: available.atoms, held: held.atoms }).toEqual({ available: DOLLAR - exact, held: 0n });
});

test('calls one after the other each have a commitment of their own', async () => {
  const ids = [];
  for (let call = 0; call < 3; call++) ids.push(receiptOf(await send(CHAT)).extra.commitmentId);

  expect(new Set(ids).size).toBe(3);
  expect(await query(world, 'SELECT state FROM commitments WHERE bundle_id = $1', [bundle.customerId])).toEqual(
    ids.map(() => ({ state: 'settled' })),
  );
});

test('an upstream that fails costs nothing and keeps nothing held', async () => {
  const pay = paying();
  const response = await pay(`${world.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-upstream-behave': 'fail=500' },
    body: JSON.stringify(CHAT),
  });

  expect(response.status).toBe(502);
  const { available, held } = await booksOf(world, bundle.customerId);
  expect({ available: available.atoms, held: held.atoms }).toEqual({ available: DOLLAR, held: 0n });
  expect(await query(world, 'SELECT state FROM commitments WHERE bundle_id = $1', [bundle.customerId])).toEqual([
    { state: 'released' },
  ]);
});

test('the default limit of one dollar a payment holds for credit too', async () => {
  await expect(send({ ...CHAT, max_tokens: 16_000, n: 128 })).rejects.toThrow('maxAmountPerPayment');
});

test('a key is given to an allowed authority alone', async () => {
  await expect(send(CHAT, paying({ authorities: ['https://elsewhere.example'] }))).rejects.toThrow('is not allowed');
});

test('an answer that is lost on its way is asked for again, and held once', async () => {
  let attempts = 0;
  const lossy: typeof fetch = async (url, init) => {
    const answer = await fetch(url, init);
    if (++attempts === 1) throw new TypeError('fetch failed');
    return answer;
  };
  const response = await send(CHAT, paying({ fetch: lossy }));

  expect(response.status).toBe(200);
  expect(attempts).toBe(2);
  const rows = await query(world, 'SELECT cents FROM commitments WHERE bundle_id = $1', [bundle.customerId]);
  expect(rows).toEqual([{ cents: 1n }]);
});

test('without credit the payer learns the authority’s reason', async () => {
  bundle = await customerWith(world, CENT / 2n);
  const client = new CreditBundleScheme({
    bundleId: bundle.customerId,
    apiKey: bundle.key,
    authorities: [world.url],
  });
  const [row] = JSON.parse(
    Buffer.from(
      (await post(world, '/v1/chat/completions', undefined, CHAT)).headers.get('payment-required') ?? '',
      'base64',
    ).toString(),
  ).accepts;
  const resource = { url: `${world.url}/v1/chat/completions` };
  const paymentRequired = { x402Version: 2, resource, accepts: [row] };
  await client.schemeHooks.onBeforePaymentCreation?.({ paymentRequired, selectedRequirements: row });

  const refused = client.createPaymentPayload(2, row);
  await expect(refused).rejects.toThrow(CreditBundleError);
  await expect(refused).rejects.toMatchObject({ code: 'insufficient_credits' });
});
