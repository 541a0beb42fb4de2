import { ExactEvmScheme } from '@x402/evm';
import { decodePaymentResponseHeader, wrapFetchWithPaymentFromConfig } from '@x402/fetch';
import { createPublicClient, createWalletClient, http, type PrivateKeyAccount } from 'viem';
import { baseSepolia } from 'viem/chains';
import { decodeXPaymentResponse, wrapFetchWithPayment } from 'x402-fetch';
import { payerWith, receivedOnChain } from '../support/chain';
import { expectBooksAsOnChain, startX402World, type X402World } from '../support/x402-world';

let world: X402World;
let payer: PrivateKeyAccount;

beforeAll(async () => {
  world = await startX402World({ blockTimeSeconds: 2 });
});
beforeEach(async () => {
  payer = await payerWith(world.chain, 1_000_000n);
});
afterEach(() => expectBooksAsOnChain(world));
afterAll(() => world?.stop());

// As in the READMEs of the two packages, and nothing else.
const CLIENTS: [string, () => typeof fetch, (response: Response) => { success: boolean; transaction: string }][] = [
  [
    '@x402/fetch',
    () =>
      wrapFetchWithPaymentFromConfig(fetch, {
        schemes: [{ network: 'eip155:*', client: new ExactEvmScheme(payer) }],
      }),
    (response) => decodePaymentResponseHeader(response.headers.get('payment-response') ?? ''),
  ],
  [
    'x402-fetch (version 1)',
    () => {
      const client = createWalletClient({ account: payer, transport: http('http://127.0.0.1:9'), chain: baseSepolia });
      return wrapFetchWithPayment(
        fetch,
        client as unknown as Parameters<typeof wrapFetchWithPayment>[1],
      ) as typeof fetch;
    },
    (response) => decodeXPaymentResponse(response.headers.get('x-payment-response') ?? ''),
  ],
];

describe.each(CLIENTS)('%s', (_name, clientOf, settlementOf) => {
  test.each([
    ['an answer in one piece', false],
    ['a stream', true],
  ])('%s is paid in the block that comes', async (_what, stream) => {
    const before = await receivedOnChain(world.chain);

    const response = await clientOf()(`${world.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        model: 'gpt-4o-mini',
        max_tokens: 50,
        stream,
        messages: [{ role: 'user', content: 'Say something.' }],
      }),
    });

    expect(response.status).toBe(200);
    expect(await response.text()).not.toBe('');
    const { success, transaction } = settlementOf(response);
    expect(success).toBe(true);
    const receipt = await createPublicClient({ transport: http(world.chain.rpcUrl) }).getTransactionReceipt({
      hash: transaction as `0x${string}`,
    });
    expect(receipt.status).toBe('success');
    expect(await receivedOnChain(world.chain)).toBeGreaterThan(before);
  });
});
