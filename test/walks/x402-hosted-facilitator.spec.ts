import { createTestClient, http, type PrivateKeyAccount } from 'viem';
import { startAppOn, type TestApp } from '../support/app';
import { until } from '../support/calls';
import { payerWith, usdcBalance } from '../support/chain';
import { type HostedFacilitator, type Mood, startFacilitator } from '../support/facilitator';
import { allPass } from '../support/rpc-proxy';
import {
  askedFor,
  expectBooksAsOnChain,
  inHeader,
  type SignedPayment,
  signPayment,
  sql,
  startX402World,
  type X402World,
} from '../support/x402-world';
import { chat } from '../support/world';

const PLAIN = { n: 1 };
/** About a tenth of a second each: somebody waits for a block. */
const MANY_QUESTIONS = 20;

let world: X402World;
let facilitator: HostedFacilitator;
let app: TestApp;
let payer: PrivateKeyAccount;
let payment: SignedPayment;

beforeAll(async () => {
  // The chain must run before the facilitator, and the facilitator before the application that uses it.
  world = await startX402World({ env: { JOBS_IN_PROCESS: 'false' } });
  facilitator = await startFacilitator(world.chain);
  const env = { ...world.env, X402_FACILITATOR_URL: facilitator.url, EVM_PRIVATE_KEY: '', JOBS_IN_PROCESS: 'true' };
  app = await startAppOn({ url: world.databaseUrl }, env);
});
beforeEach(async () => {
  facilitator.mood = 'good';
  payer = await payerWith(world.chain, 1_000_000n);
  payment = await signPayment(payer, await askedFor(chat(app.url, undefined)));
});
afterEach(() => expectBooksAsOnChain(world));
afterAll(async () => {
  await app?.stop();
  await facilitator?.stop();
  await world?.stop();
});

const send = (body: Record<string, unknown> = PLAIN) => chat(app.url, undefined, body, inHeader(payment));
const stateOf = async () =>
  (await sql(world, 'SELECT state FROM claims WHERE key LIKE $1', [`%${payment.payload.authorization.nonce}`]))[0]
    ?.state;
const paidOnce = async () =>
  expect(await usdcBalance(world.chain, payer.address)).toBe(1_000_000n - BigInt(payment.accepted.amount));

test.each([PLAIN, { stream: true }])('a hosted facilitator verifies and settles %j', async (body) => {
  const response = await send(body);

  expect(response.status).toBe(200);
  await response.text();
  expect(facilitator.asked.slice(-2)).toEqual(['/verify', '/settle']);
  await paidOnce();
  const ours = await sql(world, 'SELECT hash FROM chain_transactions');
  expect(ours).toEqual([]);
});

test.each<[string, Mood, Record<string, unknown>]>([
  ['after it moved the money of a plain call', 'gone after', PLAIN],
  ['after it moved the money of a streamed call', 'gone after', { stream: true }],
  ['before it moved the money', 'gone before', PLAIN],
])(
  'its answer is lost %s: it is found on the chain, or settled then; the repeat is paid once',
  async (_, mood, body) => {
    const calls = world.upstream.calls().length;
    facilitator.mood = mood;
    // What it did is found at once where the chain answers; otherwise it is in doubt.
    const first = await send(body);
    await first.text();
    facilitator.mood = 'good';

    expect([200, 503]).toContain(first.status);
    await until(stateOf, (state) => state === 'settled' || state === 'paid', 20_000);
    const repeat = await send(body);
    expect({ status: repeat.status, text: await repeat.text() }).toMatchObject({ status: 200 });
    expect(world.upstream.calls().length - calls).toBe(1);
    await paidOnce();
  },
);

test('a transaction of somebody else’s payment is not believed', async () => {
  expect((await send()).status).toBe(200);
  const [{ transaction }] = await sql(world, 'SELECT transaction FROM claims ORDER BY created_at DESC LIMIT 1');
  payer = await payerWith(world.chain, 1_000_000n);
  payment = await signPayment(payer, payment.accepted);
  facilitator.mood = { claims: transaction };

  const response = await send();
  expect(response.status).toBe(503);
  expect(await usdcBalance(world.chain, payer.address)).toBe(1_000_000n);
  await expectBooksAsOnChain(world);

  facilitator.mood = 'good';
  await until(stateOf, (state) => state === 'settled', 20_000);
  expect((await send()).status).toBe(200);
  await paidOnce();
});

test('what it refuses with a reason is refused with that reason, and the answer withheld', async () => {
  facilitator.mood = { status: 400, errorReason: 'insufficient_funds' };

  const response = await send();

  expect(response.status).toBe(402);
  const text = await response.text();
  expect(text).not.toContain('choices');
  expect(JSON.parse(text)).toMatchObject({ code: 'insufficient_funds' });
  expect(await usdcBalance(world.chain, payer.address)).toBe(1_000_000n);
});

test('its settlement pays when it has the confirmations of the network', async () => {
  const env = { ...world.env, X402_FACILITATOR_URL: facilitator.url, EVM_PRIVATE_KEY: '', EVM_CONFIRMATIONS: '2' };
  const careful = await startAppOn({ url: world.databaseUrl }, env);
  try {
    let questions = 0;
    const answer = chat(careful.url, undefined, PLAIN, inHeader(payment));
    await until(
      () => usdcBalance(world.chain, payer.address),
      (left) => left < 1_000_000n,
    );
    world.node.rule = ({ method }) => {
      if (method === 'eth_blockNumber') questions++;
      return 'pass';
    };
    const waiting = until(
      async () => questions,
      (many) => many > MANY_QUESTIONS,
    );
    expect(await Promise.race([answer.then(() => 'answered'), waiting.then(() => 'waiting')])).toBe('waiting');
    expect(await stateOf()).toBe('settling');

    await createTestClient({ mode: 'anvil', transport: http(world.chain.rpcUrl) }).mine({ blocks: 1 });
    expect((await answer).status).toBe(200);
    await paidOnce();
  } finally {
    world.node.rule = allPass;
    await careful.stop();
  }
});
