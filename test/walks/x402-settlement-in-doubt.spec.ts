import type { PrivateKeyAccount } from 'viem';
import { DEV_WALLETS, fundEth } from '../../src/local/chain';
import { until } from '../support/calls';
import { payerWith, usdcBalance } from '../support/chain';
import { allCut, allPass, concerns, isVerification, type RpcCall, type Rule } from '../support/rpc-proxy';
import {
  askedFor,
  expectBooksAsOnChain,
  inHeader,
  type SignedPayment,
  signPayment,
  sql,
  startX402World,
  untilOffered,
  type X402World,
} from '../support/x402-world';
import { chat } from '../support/world';

const ONE_USDC = 1_000_000n;

let world: X402World;

beforeAll(async () => {
  world = await startX402World();
});
afterEach(() => expectBooksAsOnChain(world));
afterAll(() => world?.stop());

/** One wallet, one payment, one request. */
interface Story {
  readonly payer: PrivateKeyAccount;
  readonly payment: SignedPayment;
  readonly body: Record<string, unknown>;
}

/** A plain call and a streamed one, by a wallet each. */
async function plainAndStreamed(): Promise<[Story, Story]> {
  const required = await askedFor(chat(world.url, undefined));
  const story = async (body: Record<string, unknown>) => {
    const payer = await payerWith(world.chain, ONE_USDC);
    return { payer, payment: await signPayment(payer, required), body };
  };
  return [await story({ n: 1 }), await story({ stream: true })];
}

const send = ({ payment, body }: Story) => chat(world.url, undefined, body, inHeader(payment));
const sendAll = (stories: readonly Story[]) => Promise.all(stories.map(send));

/** From the moment that a wallet's payment is verified, this rule holds for all that concerns it, and what comes later. */
function onceVerified({ payer }: Story, rule: Rule): Rule {
  let verified = false;
  return (call) => {
    if (verified) return rule(call);
    verified = isVerification(call) && concerns(call, payer.address);
    return 'pass';
  };
}

async function expectInDoubt(response: Response): Promise<void> {
  const problem = (await response.json()) as { code: string };
  expect({ status: response.status, code: problem.code }).toEqual({ status: 503, code: 'settlement_in_doubt' });
  expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
  expect(response.headers.has('payment-required')).toBe(false);
}

const claimOf = async ({ payment }: Story) =>
  (await sql(world, 'SELECT * FROM claims WHERE key LIKE $1', [`%${payment.payload.authorization.nonce}`]))[0];

/** The repeat of the very same request, once the reconciler is done: the answer, and no second payment. */
async function expectPaidOnce(story: Story): Promise<void> {
  await until(
    () => claimOf(story),
    ({ state }) => state === 'settled' || state === 'paid',
    30_000,
  );
  const repeat = await send(story);
  const text = await repeat.text();
  expect({ status: repeat.status, text }).toMatchObject({ status: 200 });
  expect(await (await send(story)).text()).toBe(text);
  const { address } = story.payer;
  expect(await usdcBalance(world.chain, address)).toBe(ONE_USDC - BigInt(story.payment.accepted.amount));
  const usage = await sql(world, 'SELECT status FROM usage_records WHERE payer_address = $1', [address.toLowerCase()]);
  expect(usage).toEqual([{ status: 'succeeded' }]);
}

test('a node that goes away between verifying and settling', async () => {
  for (const story of await plainAndStreamed()) {
    const calls = world.upstream.calls().length;
    world.node.rule = onceVerified(story, allCut);
    const doubtful = await send(story);
    world.node.rule = allPass;

    await expectInDoubt(doubtful);
    await expectPaidOnce(story);
    await untilOffered(world);
    expect(world.upstream.calls().length - calls).toBe(1);
  }
});

test('a node that goes away before it has the transaction, or with it, or swallows the receipt', async () => {
  const [before, after, receipt] = [await plainAndStreamed(), await plainAndStreamed(), await plainAndStreamed()];
  const stories = [...before, ...after, ...receipt];
  const calls = world.upstream.calls().length;
  const isOf = (some: readonly Story[], call: RpcCall) => some.some(({ payer }) => concerns(call, payer.address));
  world.node.rule = (call) => {
    if (call.method === 'eth_getTransactionReceipt') return { result: null };
    if (call.method !== 'eth_sendRawTransaction') return 'pass';
    if (isOf(before, call)) return 'cut';
    return isOf(after, call) ? 'cut after' : 'pass';
  };
  const doubtful = await sendAll(stories);
  // While it is in doubt it stays so: nobody is asked to pay again.
  const impatient = await sendAll(stories);
  world.node.rule = allPass;

  await Promise.all([...doubtful, ...impatient].map(expectInDoubt));
  for (const story of stories) await expectPaidOnce(story);
  expect(world.upstream.calls().length - calls).toBe(stories.length);
  const sent = await sql(world, 'SELECT reference, count(*)::int FROM chain_calls GROUP BY 1 HAVING count(*) > 1');
  expect(sent).toEqual([]);
});

test('a node that is away before anything is verified: nothing is known against the payment, so no 402', async () => {
  const stories = await plainAndStreamed();
  world.node.rule = allCut;
  const responses = await sendAll(stories);
  world.node.rule = allPass;

  for (const response of responses) {
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ code: 'chain_unavailable' });
  }
  for (const story of stories) expect(await claimOf(story)).toBeUndefined();
  await untilOffered(world);
  expect((await sendAll(stories)).map(({ status }) => status)).toEqual([200, 200]);
});

test('a hot wallet without gas money: in doubt until it has some', async () => {
  const stories = await plainAndStreamed();
  await fundEth(world.chain.rpcUrl, DEV_WALLETS.facilitator.address, 0n);
  const doubtful = await sendAll(stories);
  await fundEth(world.chain.rpcUrl, DEV_WALLETS.facilitator.address, 10n ** 20n);

  await Promise.all(doubtful.map(expectInDoubt));
  for (const story of stories) await expectPaidOnce(story);
});
