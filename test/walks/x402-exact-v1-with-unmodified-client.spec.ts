import { createWalletClient, http, type PrivateKeyAccount } from 'viem';
import { baseSepolia } from 'viem/chains';
import { decodeXPaymentResponse, wrapFetchWithPayment } from 'x402-fetch';
import { eventsOf } from '../support/calls';
import { payerWith, usdcBalance } from '../support/chain';
import { expectBooksAsOnChain, startX402World, walletCredit, type X402World } from '../support/x402-world';

const ONE_USDC = 1_000_000n;

let world: X402World;
let payer: PrivateKeyAccount;
let paying: ReturnType<typeof wrapFetchWithPayment>;

beforeAll(async () => {
  world = await startX402World();
});
beforeEach(async () => {
  payer = await payerWith(world.chain, ONE_USDC);
  // As in the README of x402-fetch: it never asks its own chain anything.
  const client = createWalletClient({ account: payer, transport: http('http://127.0.0.1:9'), chain: baseSepolia });
  paying = wrapFetchWithPayment(fetch, client as unknown as Parameters<typeof wrapFetchWithPayment>[1]);
});
afterEach(() => expectBooksAsOnChain(world));
afterAll(() => world?.stop());

const pay = (stream: boolean) =>
  paying(`${world.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      model: 'gpt-4o-mini',
      max_tokens: 50,
      stream,
      messages: [{ role: 'user', content: 'Say something.' }],
    }),
  });

test.each([['plain', false] as const, ['streamed', true] as const])(
  'a %s call is paid by X-PAYMENT and receipted by X-PAYMENT-RESPONSE',
  async (_kind, stream) => {
    const response = await pay(stream);

    expect(response.status).toBe(200);
    const receipt = decodeXPaymentResponse(response.headers.get('x-payment-response') as string);
    expect(receipt).toMatchObject({
      success: true,
      network: 'base-sepolia',
      payer: payer.address.toLowerCase(),
      transaction: expect.stringMatching(/^0x[0-9a-f]{64}$/),
    });
    const body = await response.text();
    if (stream) expect(eventsOf(body).at(-1)).toBe('[DONE]');
    const url = `${world.url}/v1/invoices/${response.headers.get('x-tollbridge-invoice')}`;
    // oxlint-disable-next-line typescript/no-explicit-any -- an invoice, looked into
    const invoice: any = await (await fetch(url)).json();
    const { settled } = invoice.evidence;
    expect(invoice.evidence).toMatchObject({ transaction: receipt.transaction, network: 'eip155:84532' });
    expect(await usdcBalance(world.chain, payer.address)).toBe(ONE_USDC - BigInt(settled));
    expect(await walletCredit(world, payer.address)).toBe(BigInt(settled) - BigInt(invoice.atoms));
  },
);
