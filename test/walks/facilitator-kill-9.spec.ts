import type { PrivateKeyAccount } from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { startAppOn, type TestApp } from '../support/app';
import { json, post, until } from '../support/calls';
import { payerWith, usdcBalance } from '../support/chain';
import { registerServer } from '../support/credit-world';
import { type ServerProcess, startServer } from '../support/process';
import { allPass, concerns, type RpcCall } from '../support/rpc-proxy';
import { type SignedPayment, signPayment, sql, startX402World, type X402World } from '../support/x402-world';

const PRICE = 1_000n;
const seller = privateKeyToAccount(generatePrivateKey());

let world: X402World;
let server: ServerProcess | undefined;
let survivor: TestApp | undefined;
let key: string;

beforeAll(async () => {
  // It prepares and looks on; a process of its own does the work.
  world = await startX402World({ env: { JOBS_IN_PROCESS: 'false' } });
  ({ key } = await registerServer(world, 'http://shop.test', { payTo: [seller.address] }));
});
afterAll(async () => {
  await server?.kill9();
  await survivor?.stop();
  await world?.stop();
});

interface Story {
  readonly payer: PrivateKeyAccount;
  readonly payment: SignedPayment;
}

async function story(): Promise<Story> {
  const payer = await payerWith(world.chain, 1_000_000n);
  const required = {
    scheme: 'exact',
    network: `eip155:${world.chain.chainId}` as const,
    amount: String(PRICE),
    asset: world.chain.usdc,
    payTo: seller.address,
    maxTimeoutSeconds: 300,
    extra: { name: 'USDC', version: '2' },
  };
  return { payer, payment: await signPayment(payer, required) };
}

const settle = (url: string, { payment }: Story) =>
  post({ url }, '/facilitator/settle', key, {
    x402Version: 2,
    paymentPayload: payment,
    paymentRequirements: payment.accepted,
  });
const sent = () => sql(world, 'SELECT hash FROM chain_transactions ORDER BY created_at, nonce');
const earned = () => usdcBalance(world.chain, seller.address);

test('killed behind the broadcast, or before it: the same request gets the one settlement there is', async () => {
  const [mined, unsent] = [await story(), await story()];
  // The receipt never reaches the process, and the second transaction never the node.
  const isHeldBack = (call: RpcCall) =>
    call.method === 'eth_getTransactionReceipt' ||
    (call.method === 'eth_sendRawTransaction' && concerns(call, unsent.payer.address));
  world.node.rule = (call) => (isHeldBack(call) ? new Promise(() => undefined) : 'pass');
  server = await startServer(world.databaseUrl, { ...world.env, JOBS_IN_PROCESS: 'false' });
  const asked = [settle(server.url, mined).catch(() => 'cut')];
  await until(earned, (atoms) => atoms === PRICE);
  asked.push(settle(server.url, unsent).catch(() => 'cut'));
  const before = await until(sent, (transactions) => transactions.length === 2);

  await server.kill9();
  expect(await Promise.all(asked)).toEqual(['cut', 'cut']);
  expect(await earned()).toBe(PRICE);
  world.node.rule = allPass;
  survivor = await startAppOn({ url: world.databaseUrl }, { ...world.env, JOBS_IN_PROCESS: 'true' });
  // Nobody else takes over while the lease of the process that died may still be good.
  await sql(world, 'UPDATE facilitator_settlements SET leased_until = now()');

  const { url } = survivor;
  for (const [index, one] of [mined, unsent].entries()) {
    const again = () => settle(url, one).then(json);
    const first = await until(again, ({ success }) => success === true, 30_000);
    expect(first).toMatchObject({ transaction: before[index].hash, payer: one.payer.address });
    const copies = await Promise.all([again(), again(), again()]);
    for (const copy of copies) expect(copy).toEqual(first);
    expect(await usdcBalance(world.chain, one.payer.address)).toBe(1_000_000n - PRICE);
  }
  expect(await earned()).toBe(2n * PRICE);
  expect(await sent()).toEqual(before);
}, 120_000);
