import { UptoEvmScheme } from '@x402/evm';
import { decodePaymentResponseHeader, wrapFetchWithPaymentFromConfig } from '@x402/fetch';
import type { PrivateKeyAccount } from 'viem';
import { DEV_WALLETS } from '../../src/local/chain';
import { eventsOf, json } from '../support/calls';
import { payerWith, usdcBalance } from '../support/chain';
import { approvePermit2, signUpto, uptoPayerWith } from '../support/upto';
import { expectBooksAsOnChain, inHeader, startX402World, walletCredit, type X402World } from '../support/x402-world';
import { chat } from '../support/world';

const ONE_USDC = 1_000_000n;
const CHAT = { model: 'gpt-4o-mini', max_tokens: 50, messages: [{ role: 'user', content: 'Say something.' }] };

describe.each([
  ['every transaction is mined at once', undefined],
  ['a block takes two seconds', 2],
])('%s', (_when, blockTimeSeconds) => {
  let world: X402World;

  beforeAll(async () => {
    world = await startX402World(blockTimeSeconds === undefined ? {} : { blockTimeSeconds });
  });
  afterEach(() => expectBooksAsOnChain(world));
  afterAll(() => world?.stop());

  /** As in the README of @x402/fetch; with a node to ask, the client signs approvals for us to send. */
  const client = (payer: PrivateKeyAccount, rpcUrl?: string) =>
    wrapFetchWithPaymentFromConfig(fetch, {
      schemes: [{ network: 'eip155:*', client: new UptoEvmScheme(payer, rpcUrl === undefined ? {} : { rpcUrl }) }],
    });
  const pay = (paying: typeof fetch, body: object) =>
    paying(`${world.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  const microUsdc = (cost: unknown) => BigInt(Math.round(Number(cost) * 1e6));

  test('a plain call pays what it used, and nothing stays behind', async () => {
    const payer = await uptoPayerWith(world.chain, ONE_USDC);
    const response = await pay(client(payer), CHAT);

    expect(response.status).toBe(200);
    const receipt = decodePaymentResponseHeader(response.headers.get('payment-response') as string);
    const charge = microUsdc(response.headers.get('x-tollbridge-cost'));
    expect(receipt).toMatchObject({
      success: true,
      network: 'eip155:84532',
      payer: payer.address.toLowerCase(),
      transaction: expect.stringMatching(/^0x[0-9a-f]{64}$/),
      amount: charge.toString(),
    });
    expect(charge).toBeGreaterThan(0n);
    expect((await json(response)).usage.cost).toBe(response.headers.get('x-tollbridge-cost'));
    expect(await usdcBalance(world.chain, payer.address)).toBe(ONE_USDC - charge);
    expect(await walletCredit(world, payer.address)).toBe(0n);
    const invoice = await fetch(`${world.url}/v1/invoices/${response.headers.get('x-tollbridge-invoice')}`);
    expect(await invoice.json()).toMatchObject({
      rail: 'upto',
      atoms: charge.toString(),
      evidence: { transaction: receipt.transaction, payer: payer.address.toLowerCase() },
    });
  });

  test('a stream pays after its last byte', async () => {
    const payer = await uptoPayerWith(world.chain, ONE_USDC);
    const response = await pay(client(payer), { ...CHAT, stream: true, stream_options: { include_usage: true } });

    expect(response.status).toBe(200);
    const events = eventsOf(await response.text());
    const charge = microUsdc(events.find((event) => event.usage)?.usage.cost);
    expect(charge).toBeGreaterThan(0n);
    expect(await usdcBalance(world.chain, payer.address)).toBe(ONE_USDC - charge);
  });

  test('a wallet without ETH has its approval sent along with the settlement', async () => {
    const payer = await payerWith(world.chain, ONE_USDC);
    const response = await pay(client(payer, world.chain.rpcUrl), CHAT);

    expect(response.status).toBe(200);
    const charge = microUsdc(response.headers.get('x-tollbridge-cost'));
    expect(await usdcBalance(world.chain, payer.address)).toBe(ONE_USDC - charge);
  });

  test('without an allowance: 412 says what to approve, and the very same payment is good afterwards', async () => {
    const payer = await uptoPayerWith(world.chain, ONE_USDC, 0n);
    const refused = await pay(client(payer), CHAT);

    expect(refused.status).toBe(412);
    expect(refused.headers.has('payment-required')).toBe(true);
    expect(await refused.json()).toMatchObject({
      code: 'permit2_allowance_required',
      approve: { to: world.chain.usdc, data: expect.stringMatching(/^0x095ea7b3/) },
    });

    const unpaid = await chat(world.url, undefined);
    const header = JSON.parse(Buffer.from(unpaid.headers.get('payment-required') ?? '', 'base64').toString());
    const required = header.accepts.find(({ scheme }: { scheme: string }) => scheme === 'upto');
    const payment = inHeader(await signUpto(payer, required));
    expect((await chat(world.url, undefined, {}, payment)).status).toBe(412);
    await approvePermit2(world.chain, payer);
    const paid = await chat(world.url, undefined, {}, payment);
    const repeat = await chat(world.url, undefined, {}, payment);

    expect([paid.status, repeat.status]).toEqual([200, 200]);
    expect(repeat.headers.get('x-tollbridge-replayed')).toBe('true');
    expect(repeat.headers.get('payment-response')).toBe(paid.headers.get('payment-response'));
    expect(required.extra.facilitatorAddress.toLowerCase()).toBe(DEV_WALLETS.facilitator.address.toLowerCase());
  });
});
