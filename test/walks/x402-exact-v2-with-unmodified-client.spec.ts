import { decodePaymentResponseHeader, wrapFetchWithPayment, x402Client } from '@x402/fetch';
import { ExactEvmScheme } from '@x402/evm/exact/client';
import type { LocalChain } from '../../src/local/chain';
import { payerWith, receivedOnChain, startTestChain } from '../support/chain';
import { chat, startWorld, type World } from '../support/world';

let world: World;
let chain: LocalChain;

beforeAll(async () => {
  const started = await startTestChain();
  chain = started.chain;
  world = await startWorld(started.env);
});
afterAll(async () => {
  await world?.stop();
  await chain?.stop();
});

test('an unmodified client pays a call', async () => {
  const payer = await payerWith(chain, 1_000_000n);
  const client = new x402Client().register('eip155:*', new ExactEvmScheme(payer as any));
  const paying = wrapFetchWithPayment(fetch, client);
  const unpaid = await chat(world.url, undefined);
  console.log(unpaid.status, await unpaid.text(), unpaid.headers.get('payment-required')?.length);
  const body = JSON.stringify({ model: 'gpt-4o-mini', max_tokens: 50, messages: [{ role: 'user', content: 'Hi' }] });
  const response = await paying(`${world.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  });
  console.log(response.status, await response.text(), Object.fromEntries(response.headers));
  const header = response.headers.get('payment-response');
  if (header) console.log(decodePaymentResponseHeader(header));
  console.log(await receivedOnChain(chain));
  const stream = JSON.stringify({ ...JSON.parse(body), stream: true });
  const r2 = await paying(`${world.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: stream,
  });
  console.log(r2.status, (await r2.text()).slice(-300), Object.fromEntries(r2.headers));
});
