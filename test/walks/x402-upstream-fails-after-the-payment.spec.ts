import type { PrivateKeyAccount } from 'viem';
import { payerWith, receivedOnChain, usdcBalance } from '../support/chain';
import {
  askedFor,
  expectBooksAsOnChain,
  inHeader,
  type SignedPayment,
  signPayment,
  sql,
  startX402World,
  walletCredit,
  type X402World,
} from '../support/x402-world';
import { chat } from '../support/world';

const STREAM = { stream: true };
const PLAIN = { n: 1 };

let world: X402World;
let payer: PrivateKeyAccount;
let payment: SignedPayment;

beforeAll(async () => {
  world = await startX402World();
});
beforeEach(async () => {
  payer = await payerWith(world.chain, 1_000_000n);
  payment = await signPayment(payer, await askedFor(chat(world.url, undefined)));
});
afterEach(() => expectBooksAsOnChain(world));
afterAll(() => world?.stop());

const send = (body: Record<string, unknown>, behave = '') =>
  chat(world.url, undefined, body, { ...inHeader(payment), ...(behave === '' ? {} : { 'x-upstream-behave': behave }) });

const usageOf = (status: string) =>
  sql(world, 'SELECT * FROM usage_records WHERE payer_address = $1 AND status = $2', [
    payer.address.toLowerCase(),
    status,
  ]);

test.each(['fail', 'fail=429', 'reset'])(
  'a stream whose upstream fails (%s) after it was settled: the amount is credit, the same payment gets its work done once',
  async (behave) => {
    const paid = BigInt(payment.accepted.amount);

    const failed = await send(STREAM, behave);
    expect(failed.status).toBeGreaterThanOrEqual(500);
    expect(await usdcBalance(world.chain, payer.address)).toBe(1_000_000n - paid);
    expect(await walletCredit(world, payer.address)).toBe(paid);
    expect(await usageOf('failed')).toMatchObject([{ atoms: 0n, invoice_id: null }]);
    await expectBooksAsOnChain(world);

    const again = await send(STREAM);
    const text = await again.text();
    expect(again.status).toBe(200);
    expect(text).toContain('[DONE]');
    const [used] = await usageOf('succeeded');
    expect(await walletCredit(world, payer.address)).toBe(paid - used.atoms);

    const calls = world.upstream.calls().length;
    const replay = await send(STREAM);
    expect(await replay.text()).toBe(text);
    expect(world.upstream.calls()).toHaveLength(calls);
    expect(await usdcBalance(world.chain, payer.address)).toBe(1_000_000n - paid);
    expect(await usageOf('succeeded')).toHaveLength(1);
  },
);

test('ten repeats of a payment whose stream failed: one of them does the work, nobody pays twice', async () => {
  await send(STREAM, 'fail');
  const calls = world.upstream.calls().length;

  const responses = await Promise.all(Array.from({ length: 10 }, () => send(STREAM, 'slow=200')));

  const answers = await Promise.all(responses.map((response) => response.text()));
  expect(responses.map(({ status }) => status)).toEqual(Array(10).fill(200));
  expect(new Set(answers).size).toBe(1);
  expect(world.upstream.calls().length - calls).toBe(1);
  expect(await usdcBalance(world.chain, payer.address)).toBe(1_000_000n - BigInt(payment.accepted.amount));
});

test('a stream that breaks off is charged what was delivered, the rest is credit', async () => {
  const response = await send(STREAM, 'eof-mid=3');
  await response.text();

  const [used] = await usageOf('interrupted');
  expect(used.atoms).toBeGreaterThan(0n);
  expect(await walletCredit(world, payer.address)).toBe(BigInt(payment.accepted.amount) - used.atoms);
  expect(await sql(world, 'SELECT state FROM claims WHERE key = $1', [used.payment_id])).toEqual([
    { state: 'settled' },
  ]);
});

test.each(['fail', 'reset', 'bad-json', 'reset-mid'])(
  'a plain call whose upstream fails (%s): nothing is settled, and the same payment may be used again',
  async (behave) => {
    const received = await receivedOnChain(world.chain);

    const failed = await send(PLAIN, behave);
    expect(failed.status).toBeGreaterThanOrEqual(500);
    expect(await receivedOnChain(world.chain)).toBe(received);
    expect(await usageOf('failed')).toHaveLength(1);

    const again = await send(PLAIN);
    expect(again.status).toBe(200);
    expect(await usdcBalance(world.chain, payer.address)).toBe(1_000_000n - BigInt(payment.accepted.amount));
    expect(await usageOf('succeeded')).toHaveLength(1);
  },
);

test.each([400, 404, 422])(
  'a request that the upstream calls wrong (%i) is passed on and not settled',
  async (status) => {
    const received = await receivedOnChain(world.chain);

    const response = await send(PLAIN, `fail=${status}`);

    expect(response.status).toBe(status);
    expect(await receivedOnChain(world.chain)).toBe(received);
    expect((await send(PLAIN)).status).toBe(200);
  },
);
