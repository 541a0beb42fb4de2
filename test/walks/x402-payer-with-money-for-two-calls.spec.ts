import { until } from '../support/calls';
import { payerWith, usdcBalance } from '../support/chain';
import {
  askedFor,
  expectBooksAsOnChain,
  inHeader,
  signPayment,
  startX402World,
  type X402World,
} from '../support/x402-world';
import { chat } from '../support/world';

const SLOW = { 'x-upstream-behave': 'slow=600' };
let world: X402World;

beforeAll(async () => {
  world = await startX402World();
});
afterEach(() => expectBooksAsOnChain(world));
afterAll(() => world?.stop());

test('twenty payments at once over money for two: two calls are worked on, and the others told to come again', async () => {
  const asked = await askedFor(chat(world.url, undefined));
  const payer = await payerWith(world.chain, 2n * BigInt(asked.amount));
  const payments = await Promise.all(Array.from({ length: 20 }, () => signPayment(payer, asked)));
  const before = world.upstream.calls().length;

  const answers = await Promise.all(
    payments.map((payment) => chat(world.url, undefined, {}, { ...SLOW, ...inHeader(payment) })),
  );
  const refused = answers.filter(({ status }) => status !== 200);
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(2);
  expect(world.upstream.calls().length - before).toBe(2);
  expect(refused.map(({ status, headers }) => [status, headers.get('retry-after')])).toEqual(
    Array(18).fill([402, '2']),
  );
  expect(await refused[0]?.json()).toMatchObject({ code: 'payer_exposed' });
  expect(await usdcBalance(world.chain, payer.address)).toBe(0n);
});

test('what a call in flight had bound is free again when the work fails', async () => {
  const asked = await askedFor(chat(world.url, undefined));
  const payer = await payerWith(world.chain, BigInt(asked.amount));
  const pay = async (headers: Record<string, string>) =>
    (await chat(world.url, undefined, {}, { ...headers, ...inHeader(await signPayment(payer, asked)) })).status;

  expect(await pay({ 'x-upstream-behave': 'fail=500' })).toBeGreaterThanOrEqual(500);
  expect(await pay({})).toBe(200);
});

test('a repeat after failed work, while another call binds the balance, is told to come again', async () => {
  const asked = await askedFor(chat(world.url, undefined));
  const payer = await payerWith(world.chain, BigInt(asked.amount));
  const [first, other] = [await signPayment(payer, asked), await signPayment(payer, asked)];
  const pay = (payment: unknown, behave: string) =>
    chat(world.url, undefined, {}, { 'x-upstream-behave': behave, ...inHeader(payment) });

  expect((await pay(first, 'fail=500')).status).toBeGreaterThanOrEqual(500);
  const before = world.upstream.calls().length;
  const slow = pay(other, 'slow=1500');
  await until(
    () => world.upstream.calls().length,
    (calls) => calls > before,
  );
  expect(await (await pay(first, 'slow=1')).json()).toMatchObject({ code: 'payer_exposed' });
  expect((await slow).status).toBe(200);
});
