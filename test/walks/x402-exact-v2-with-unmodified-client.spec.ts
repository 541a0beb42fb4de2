import { ExactEvmScheme } from '@x402/evm';
import { decodePaymentResponseHeader, wrapFetchWithPaymentFromConfig } from '@x402/fetch';
import type { PrivateKeyAccount } from 'viem';
import { eventsOf, post, textOf } from '../support/calls';
import { payerWith, receivedOnChain, usdcBalance } from '../support/chain';
import { expectBooksAsOnChain, sql, startX402World, walletCredit, type X402World } from '../support/x402-world';

const ONE_USDC = 1_000_000n;
const CHAT = {
  model: 'gpt-4o-mini',
  max_tokens: 50,
  messages: [{ role: 'user', content: 'Say something.' }],
};

let world: X402World;
let payer: PrivateKeyAccount;
let paying: typeof fetch;

beforeAll(async () => {
  world = await startX402World();
});
beforeEach(async () => {
  payer = await payerWith(world.chain, ONE_USDC);
  // As in the README of @x402/fetch, and nothing else.
  paying = wrapFetchWithPaymentFromConfig(fetch, {
    schemes: [{ network: 'eip155:*', client: new ExactEvmScheme(payer) }],
  });
});
afterEach(() => expectBooksAsOnChain(world));
afterAll(() => world?.stop());

const pay = (path: string, body: unknown) =>
  paying(`${world.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });

// oxlint-disable-next-line typescript/no-explicit-any -- an invoice, looked into by tests
const invoiceOf = async (response: Response): Promise<any> =>
  (await fetch(`${world.url}/v1/invoices/${response.headers.get('x-tollbridge-invoice')}`)).json();

test('the 402 fits into two kilobytes of header and says the same to v1 clients and people', async () => {
  const unpaid = await post(world, '/v1/chat/completions', undefined, CHAT);

  expect(unpaid.status).toBe(402);
  expect(unpaid.headers.get('content-type')).toMatch('application/problem+json');
  const header = unpaid.headers.get('payment-required') ?? '';
  expect(header.length).toBeLessThanOrEqual(2048);
  const required = JSON.parse(Buffer.from(header, 'base64').toString());
  expect(required).toMatchObject({
    x402Version: 2,
    resource: { url: `${world.url}/v1/chat/completions` },
  });
  expect(required.accepts[0]).toMatchObject({
    scheme: 'exact',
    network: 'eip155:84532',
    asset: world.chain.usdc,
    amount: expect.any(String),
  });
  expect(await unpaid.json()).toMatchObject({
    code: 'payment_required',
    x402Version: 1,
    accepts: [{ network: 'base-sepolia', maxAmountRequired: required.accepts[0].amount }],
  });
});

test('a plain call: paid, answered, invoiced, and the unused part is the wallet’s credit', async () => {
  const response = await pay('/v1/chat/completions', CHAT);

  expect(response.status).toBe(200);
  // oxlint-disable-next-line typescript/no-explicit-any -- an answer, looked into
  const answer: any = await response.json();
  const receipt = decodePaymentResponseHeader(response.headers.get('payment-response') as string);
  const settled = BigInt(receipt.amount as string);
  expect(receipt).toMatchObject({
    success: true,
    network: 'eip155:84532',
    transaction: expect.stringMatching(/^0x[0-9a-f]{64}$/),
    payer: payer.address.toLowerCase(),
  });
  expect(await usdcBalance(world.chain, payer.address)).toBe(ONE_USDC - settled);

  const invoice = await invoiceOf(response);
  const charged = BigInt(invoice.atoms);
  expect(invoice).toMatchObject({
    rail: 'exact',
    asset: 'USDC',
    status: 'succeeded',
    evidence: {
      payer: payer.address.toLowerCase(),
      network: 'eip155:84532',
      transaction: receipt.transaction,
      settled: settled.toString(),
      credited: (settled - charged).toString(),
    },
  });
  expect(charged).toBeLessThan(settled);
  expect(answer.usage.cost).toBe(invoice.amount);
  expect(response.headers.get('x-tollbridge-cost')).toBe(invoice.amount);
  // Rounded up to the micro-USDC from 150 and 600 nano-USD a token.
  const { prompt_tokens: input, completion_tokens: output } = answer.usage;
  expect(charged).toBe((BigInt(input) * 150n + BigInt(output) * 600n + 999n) / 1000n);
  expect(await walletCredit(world, payer.address)).toBe(settled - charged);
});

test('a streamed call: settled before the first byte, captured after the last', async () => {
  const response = await pay('/v1/chat/completions', {
    ...CHAT,
    stream: true,
    stream_options: { include_usage: true },
  });

  expect(response.status).toBe(200);
  const receipt = decodePaymentResponseHeader(response.headers.get('payment-response') as string);
  expect(receipt.success).toBe(true);
  const events = eventsOf(await response.text());
  expect(textOf(events)).not.toBe('');
  expect(events.at(-1)).toBe('[DONE]');
  const invoice = await invoiceOf(response);
  expect(events.at(-2).usage.cost).toBe(invoice.amount);
  const settled = BigInt(receipt.amount as string);
  expect(invoice).toMatchObject({
    rail: 'exact',
    evidence: { transaction: receipt.transaction, settled: settled.toString() },
  });
  expect(await walletCredit(world, payer.address)).toBe(settled - BigInt(invoice.atoms));
  expect(await sql(world, `SELECT state FROM claims WHERE transaction = $1`, [receipt.transaction])).toEqual([
    { state: 'settled' },
  ]);
});

test.each([
  ['a call at a flat price', '/v1/chat/completions', { ...CHAT, model: 'flat' }, 100_000n],
  ['an image', '/v1/images/generations', { model: 'dall-e-3', prompt: 'A toll bridge', n: 1 }, 40_000n],
  ['embeddings', '/v1/embeddings', { model: 'text-embedding-3-small', input: 'toll '.repeat(500).trim() }, undefined],
])('%s costs exactly its price', async (_what, path, body, price) => {
  const before = await receivedOnChain(world.chain);

  const response = await pay(path, body);

  expect(response.status).toBe(200);
  const received = (await receivedOnChain(world.chain)) - before;
  // 20 nano-USD a token of input, and no output: the ceiling is the price.
  // oxlint-disable-next-line typescript/no-explicit-any -- an answer, looked into
  const { usage }: any = await response.json();
  const exact = price ?? (BigInt(usage?.prompt_tokens ?? 0) * 20n + 999n) / 1000n;
  expect(received).toBe(exact);
  expect(await invoiceOf(response)).toMatchObject({ atoms: exact.toString(), evidence: { credited: '0' } });
  expect(await walletCredit(world, payer.address)).toBe(0n);
});
