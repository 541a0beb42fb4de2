import { payerWith, receivedOnChain } from '../support/chain';
import {
  askedFor,
  expectBooksAsOnChain,
  inHeader,
  type SignedPayment,
  signPayment,
  startX402World,
  type X402World,
} from '../support/x402-world';
import { chat } from '../support/world';

const COPIES = 50;
const SLOW = { 'x-upstream-behave': 'slow=400' };
/** The order of secp256k1. */
const N = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

let world: X402World;

beforeAll(async () => {
  world = await startX402World({ replicas: 2 });
});
afterEach(() => expectBooksAsOnChain(world));
afterAll(() => world?.stop());

/** A payment for this request, signed by a wallet of its own. */
async function paymentFor(body: Record<string, unknown>): Promise<SignedPayment> {
  const payer = await payerWith(world.chain, 1_000_000n);
  return signPayment(payer, await askedFor(chat(world.url, undefined, body)));
}

const send = (payment: SignedPayment, body: Record<string, unknown>, copy = 0) =>
  chat((world.replicas[copy % 2] as X402World).url, undefined, body, { ...SLOW, ...inHeader(payment) });

test.each([['plain', { n: 1 }] as const, ['streamed', { stream: true }] as const])(
  'fifty copies of one payment for a %s call at two replicas: one piece of work, one settlement, one answer',
  async (_kind, body) => {
    const payment = await paymentFor(body);
    const [calls, received] = [world.upstream.calls().length, await receivedOnChain(world.chain)];

    const responses = await Promise.all(Array.from({ length: COPIES }, (_, copy) => send(payment, body, copy)));
    const answers = await Promise.all(responses.map((response) => response.text()));

    expect(responses.map(({ status }) => status)).toEqual(Array(COPIES).fill(200));
    expect(new Set(answers).size).toBe(1);
    const receipts = new Set(responses.map(({ headers }) => headers.get('payment-response')));
    expect(receipts.size).toBe(1);
    expect(responses.filter(({ headers }) => headers.has('x-tollbridge-replayed'))).toHaveLength(COPIES - 1);
    expect(world.upstream.calls().length - calls).toBe(1);
    expect((await receivedOnChain(world.chain)) - received).toBe(BigInt(payment.accepted.amount));
  },
);

test('all copies of a plain call name the same invoice', async () => {
  const payment = await paymentFor({});
  const responses = await Promise.all(Array.from({ length: 4 }, (_, copy) => send(payment, {}, copy)));

  const invoices = new Set(responses.map(({ headers }) => headers.get('x-tollbridge-invoice')));
  expect([...invoices]).toEqual([expect.stringMatching(/^inv_/)]);
});

test('the same payment with another request does nothing, while the first is worked on and afterwards', async () => {
  const payment = await paymentFor({});
  const other = { messages: [{ role: 'user', content: 'Something else.' }] };
  const calls = world.upstream.calls().length;

  const first = send(payment, {});
  const during = [send(payment, other, 0), send(payment, other, 1)];
  const outcomes = await Promise.all([first, ...during]);
  const after = await send(payment, other, 1);

  // Whichever came first has the payment; the other body is refused for good.
  const answered = outcomes.filter(({ status }) => status === 200);
  const refused = [...outcomes.filter(({ status }) => status !== 200)];
  if (outcomes[0]?.status === 200) refused.push(after);
  expect(answered.length).toBeGreaterThanOrEqual(1);
  for (const response of refused) {
    expect(response.status).toBe(402);
    expect(await response.json()).toMatchObject({ code: 'invalid_exact_evm_nonce_already_used' });
  }
  expect(world.upstream.calls().length - calls).toBe(1);
});

test('a forged signature over a known nonce gets nobody’s answer', async () => {
  const payment = await paymentFor({});
  const stranger = await payerWith(world.chain, 0n);
  const { from, nonce } = payment.payload.authorization;
  const forged = [
    await signPayment(stranger, payment.accepted, { from, nonce }),
    { ...payment, payload: { ...payment.payload, signature: mirrored(payment.payload.signature) } },
  ];
  const calls = world.upstream.calls().length;

  const genuine = send(payment, {});
  const during = await Promise.all(forged.map((copy) => send(copy, {}, 1)));
  const answer = await (await genuine).text();
  const after = await Promise.all(forged.map((copy) => send(copy, {}, 1)));

  expect((await genuine).status).toBe(200);
  for (const response of [...during, ...after]) {
    expect(response.status).toBe(402);
    const text = await response.text();
    expect(JSON.parse(text).code).toMatch(/^invalid_exact_evm_(nonce_already_used|signature)$/);
    expect(text).not.toContain(JSON.parse(answer).id);
  }
  expect(world.upstream.calls().length - calls).toBe(1);
});

/** The other signature that the same key could have made: many contracts once took both. */
function mirrored(signature: string): string {
  const [r, s, v] = [signature.slice(2, 66), BigInt(`0x${signature.slice(66, 130)}`), signature.slice(130)];
  return `0x${r}${(N - s).toString(16).padStart(64, '0')}${v === '1b' ? '1c' : '1b'}`;
}
