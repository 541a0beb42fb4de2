import { createPublicClient, createTestClient, createWalletClient, type Hex, http, toHex } from 'viem';
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
  world = await startX402World({ env: { EVM_CONFIRMATIONS: '2' } });
});
afterEach(() => {
  world.node.rule = allPass;
});
afterAll(() => world?.stop());

/** A payment whose authorization its payer uses by itself, and how to ask what became of it. */
async function usedByItsPayer() {
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
  return (id: string) => world.app.get(ExactChain).investigate(id, payment.authorization, required);
}

/** The node tells of a chain that has gone on since: its newest blocks are empty. */
async function longerChain() {
  const chain = createPublicClient({ transport: http(world.chain.rpcUrl) });
  const [head, newest] = [
    await chain.getBlockNumber(),
    await chain.request({ method: 'eth_getBlockByNumber', params: ['latest', false] }),
  ];
  world.node.rule = ({ method }) => {
    if (method === 'eth_blockNumber') return { result: toHex(head + BLOCKS) };
    return method === 'eth_getBlockByNumber' ? { result: newest } : 'pass';
  };
  return { head, chain };
}

test('an authorization that somebody else used long ago: searched for in small steps, from where the last one ended', async () => {
  const look = await usedByItsPayer();
  const { head } = await longerChain();
  let questions = 0;
  const { rule } = world.node;
  world.node.rule = (call) => {
    if (call.method !== 'eth_getLogs') return rule(call);
    questions++;
    const [{ fromBlock }] = call.params as [{ fromBlock: Hex }];
    return BigInt(fromBlock) > head ? { result: [] } : 'pass';
  };

  expect(await look('long ago')).toEqual({ kind: 'unclear', patient: true });
  expect(questions).toBe(MOST_QUESTIONS);
  expect(await look('long ago')).toMatchObject({ kind: 'settled', feeWei: 0n });
  expect(questions).toBeLessThanOrEqual(2 * MOST_QUESTIONS);
});

test('one that was used just now, which the node knows before it has the log: the newest blocks are searched again', async () => {
  const look = await usedByItsPayer();
  const { head, chain } = await longerChain();
  const { rule } = world.node;
  world.node.rule = (call) => (call.method === 'eth_getLogs' ? { result: [] } : rule(call));
  expect(await look('just now')).toEqual({ kind: 'unclear', patient: true });

  // It is in the newest block of the chain that the node tells of.
  world.node.rule = async (call) => {
    if (call.method !== 'eth_getLogs') return rule(call);
    const [filter] = call.params as [{ toBlock: Hex }];
    if (BigInt(filter.toBlock) < head + BLOCKS) return { result: [] };
    const all = { ...filter, fromBlock: 'earliest', toBlock: 'latest' };
    return { result: await chain.request({ method: 'eth_getLogs', params: [all] as never }) };
  };
  expect(await look('just now')).toMatchObject({ kind: 'settled', feeWei: 0n });
});

test('one that is in too new a block is in doubt, until it has the confirmations of the network', async () => {
  const look = await usedByItsPayer();
  expect(await look('too new')).toEqual({ kind: 'unclear', transaction: expect.stringMatching(/^0x/) });
  await createTestClient({ mode: 'anvil', transport: http(world.chain.rpcUrl) }).mine({ blocks: 1 });
  expect(await look('too new')).toMatchObject({ kind: 'settled', feeWei: 0n });
});
