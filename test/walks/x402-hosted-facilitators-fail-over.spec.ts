import type { PrivateKeyAccount } from 'viem';
import { startAppOn, type TestApp } from '../support/app';
import { until } from '../support/calls';
import { payerWith, usdcBalance } from '../support/chain';
import { type HostedFacilitator, startFacilitator } from '../support/facilitator';
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

let world: X402World;
let app: TestApp;
let [first, second]: [HostedFacilitator, HostedFacilitator] = [] as never;
let payer: PrivateKeyAccount;
let payment: SignedPayment;

beforeAll(async () => {
  world = await startX402World({ env: { JOBS_IN_PROCESS: 'false' } });
  [first, second] = [await startFacilitator(world.chain), await startFacilitator(world.chain)];
  const urls = `${first.url},${second.url}`;
  const env = { ...world.env, X402_FACILITATOR_URL: urls, EVM_PRIVATE_KEY: '', JOBS_IN_PROCESS: 'true' };
  app = await startAppOn({ url: world.databaseUrl }, env);
});
beforeEach(async () => {
  payer = await payerWith(world.chain, 1_000_000n);
  payment = await signPayment(payer, await askedFor(chat(app.url, undefined)));
  for (const facilitator of [first, second]) {
    facilitator.asked.length = 0;
    facilitator.mood = 'good';
  }
});
afterEach(async () => {
  expect(await usdcBalance(world.chain, payer.address)).toBe(1_000_000n - BigInt(payment.accepted.amount));
  await expectBooksAsOnChain(world);
});
afterAll(async () => {
  await app?.stop();
  await first?.stop();
  await second?.stop();
  await world?.stop();
});

const send = () => chat(app.url, undefined, {}, inHeader(payment));
const stateOf = async () =>
  (await sql(world, 'SELECT state FROM claims WHERE key LIKE $1', [`%${payment.payload.authorization.nonce}`]))[0]
    ?.state;

test.each(['gone after', 'gone before', 'silent after'] as const)(
  'the one that verified dies when it settles (%s): in doubt, asked of the chain, and no other one settles it',
  async (mood) => {
    first.mood = mood;
    const doubtful = await send();
    expect([200, 503]).toContain(doubtful.status);
    await doubtful.text();
    first.mood = 'good';
    await until(stateOf, (state) => state === 'settled');
    expect((await send()).status).toBe(200);
    expect(first.asked).toContain('/settle');
    expect(second.asked).toEqual([]);
  },
);

test('the first one is away when it verifies: the second one verifies, and it settles what it verified', async () => {
  first.mood = 'away';
  expect((await send()).status).toBe(200);
  expect(first.asked).toEqual(['/verify']);
  expect(second.asked).toEqual(['/verify', '/settle']);

  // Who judged last is asked first.
  const [earlier, another] = [payment, await payerWith(world.chain, 1_000_000n)];
  payment = await signPayment(another, earlier.accepted);
  payer = another;
  expect((await send()).status).toBe(200);
  expect(first.asked).toEqual(['/verify']);
});
