import type { PrivateKeyAccount } from 'viem';
import { startAppOn, type TestApp } from '../support/app';
import { until } from '../support/calls';
import { payerWith, usdcBalance } from '../support/chain';
import { allCut, allPass, type Rule, type RpcProxy, startRpcProxy } from '../support/rpc-proxy';
import {
  askedFor,
  expectBooksAsOnChain,
  inHeader,
  signPayment,
  sql,
  startX402World,
  type X402World,
} from '../support/x402-world';
import { chat } from '../support/world';

const ONE_USDC = 1_000_000n;

let world: X402World;
let [first, second]: [RpcProxy, RpcProxy] = [] as never;
let app: TestApp;
let payer: PrivateKeyAccount;
let paid: bigint;

beforeAll(async () => {
  // Two nodes of one chain, for the application that the story is about.
  world = await startX402World({ env: { JOBS_IN_PROCESS: 'false' } });
  first = world.node;
  second = await startRpcProxy(world.chain.rpcUrl);
  const env = { ...world.env, EVM_RPC_URL: `${first.url},${second.url}`, JOBS_IN_PROCESS: 'true' };
  app = await startAppOn({ url: world.databaseUrl }, env);
});
beforeEach(async () => {
  payer = await payerWith(world.chain, ONE_USDC);
  paid = 0n;
});
afterEach(async () => {
  [first.rule, second.rule] = [allPass, allPass];
  // Nobody paid twice, and nothing was sent in two transactions.
  expect(await usdcBalance(world.chain, payer.address)).toBe(ONE_USDC - paid);
  expect(await sql(world, 'SELECT reference FROM chain_calls GROUP BY 1 HAVING count(*) > 1')).toEqual([]);
  await expectBooksAsOnChain(world);
});
afterAll(async () => {
  await app?.stop();
  await second?.stop();
  await world?.stop();
});

/** A paid call; resolves to its status, once its answer has been read. */
async function pay(body: Record<string, unknown> = {}): Promise<number> {
  const required = await askedFor(chat(app.url, undefined));
  const response = await chat(app.url, undefined, body, inHeader(await signPayment(payer, required)));
  await response.text();
  if (response.status === 200) paid += BigInt(required.amount);
  return response.status;
}

/** Passes until a call of this method comes; for it and everything after, the rule holds. */
const from =
  (proxy: RpcProxy, method: string, rule: Rule): Rule =>
  (call) => {
    if (call.method !== method) return 'pass';
    proxy.rule = rule;
    return rule(call);
  };

/** What a node is asked from now on. */
function watch(proxy: RpcProxy): string[] {
  const asked: string[] = [];
  proxy.rule = ({ method }) => {
    asked.push(method);
    return 'pass';
  };
  return asked;
}

/** Until the first node, which is back, is the one that is asked. */
async function untilReturned(): Promise<void> {
  const asked = watch(first);
  const payAgain = async () => {
    expect(await pay()).toBe(200);
    return asked;
  };
  await until(payAgain, (methods) => methods.includes('eth_call'));
  first.rule = allPass;
}

test('the choice sticks: a node that was away is not tried for every call, and asked again once it has caught up', async () => {
  first.rule = allCut;
  expect([await pay(), await pay({ stream: true })]).toEqual([200, 200]);
  first.rule = allPass;
  const asked = watch(second);
  expect(await pay()).toBe(200);
  expect(asked).toContain('eth_call');
  await untilReturned();
});

test.each<[string, () => Rule, Record<string, unknown>]>([
  ['before the transaction reaches it', () => from(first, 'eth_sendRawTransaction', allCut), { stream: true }],
  [
    'with the transaction in hand, and its answer is lost',
    () =>
      from(first, 'eth_sendRawTransaction', ({ method }) =>
        method === 'eth_sendRawTransaction' ? 'cut after' : 'cut',
      ),
    {},
  ],
  ['behind the broadcast: the second one has the receipt', () => from(first, 'eth_getTransactionReceipt', allCut), {}],
])('the first node dies %s', async (_, rule, body) => {
  first.rule = rule();
  expect(await pay(body)).toBe(200);
  await untilReturned();
});

test('the first node takes every question and answers none', async () => {
  first.rule = () => new Promise<never>(() => undefined);
  expect(await pay()).toBe(200);
});
