import { createPublicClient, createWalletClient, type Hex, http, toHex } from 'viem';
import { fundEth } from '../../src/local/chain';
import { ExactChain } from '../../src/payments/exact/exact-chain.service';
import { transferCall } from '../../src/payments/exact/transfer-call';
import { until } from '../support/calls';
import { payerWith, usdcBalance } from '../support/chain';
import { allPass } from '../support/rpc-proxy';
import { askedFor, signPayment, startX402World, type X402World } from '../support/x402-world';
import { chat } from '../support/world';

const BLOCKS = 10_000n;
/** Events by which an authorization is spent: used, or cancelled. Each is asked for in four ranges at once. */
const MOST_QUESTIONS = 2 * 4;

let world: X402World;

beforeAll(async () => {
  world = await startX402World();
});
afterAll(() => world?.stop());

test('an authorization that somebody else used long ago: searched for in small steps, from where the last one ended', async () => {
  const payer = await payerWith(world.chain, 1_000_000n);
  await fundEth(world.chain.rpcUrl, payer.address, 10n ** 18n);
  const required = await askedFor(chat(world.url, undefined));
  const { payload } = await signPayment(payer, required, { validBefore: (10n ** 12n).toString() });
  const payment = payload as Parameters<typeof transferCall>[2];
  const { to, data } = transferCall('unknown', required, payment, false);
  await createWalletClient({ account: payer, transport: http(world.chain.rpcUrl) }).sendTransaction({
    to,
    data,
    chain: null,
  });
  await until(
    () => usdcBalance(world.chain, payer.address),
    (left) => left < 1_000_000n,
  );
  // The node tells of a chain that has gone on since: its newest blocks are empty.
  const chain = createPublicClient({ transport: http(world.chain.rpcUrl) });
  const [head, newest] = [
    await chain.getBlockNumber(),
    await chain.request({ method: 'eth_getBlockByNumber', params: ['latest', false] }),
  ];
  let questions = 0;
  world.node.rule = ({ method, params }) => {
    if (method === 'eth_blockNumber') return { result: toHex(head + BLOCKS) };
    if (method === 'eth_getBlockByNumber') return { result: newest };
    if (method !== 'eth_getLogs') return 'pass';
    questions++;
    const [{ fromBlock }] = params as [{ fromBlock: Hex }];
    return BigInt(fromBlock) > head ? { result: [] } : 'pass';
  };
  const look = () => world.app.get(ExactChain).investigate('unknown', payment.authorization, required);

  expect(await look()).toEqual({ kind: 'unclear', patient: true });
  expect(questions).toBe(MOST_QUESTIONS);
  expect(await look()).toMatchObject({ kind: 'settled', feeWei: 0n });
  expect(questions).toBeLessThanOrEqual(2 * MOST_QUESTIONS);
  world.node.rule = allPass;
});
