import fc from 'fast-check';
import type { PaymentRequirements } from '../../src/payments/payment-scheme';
import { payerWith, receivedOnChain } from '../support/chain';
import { signUpto } from '../support/upto';
import { countOfBooks, signPayment, sql, startX402World, type X402World } from '../support/x402-world';
import { chat } from '../support/world';

/** More of them, or the same again: X402_RUNS=10000 X402_SEED=… */
const RUNS = Number(process.env['X402_RUNS'] ?? 1_000);
const SEED = Number(process.env['X402_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const AT_ONCE = 10;
const REFUSED = [400, 402, 409, 412];

let world: X402World;
/** A payment for each row of the 402, as JSON: well formed, and of a wallet that has nothing. */
let payments: string[];

beforeAll(async () => {
  world = await startX402World();
  const unpaid = await chat(world.url, undefined);
  const required = JSON.parse(Buffer.from(unpaid.headers.get('payment-required') ?? '', 'base64').toString());
  const extensions = { ...required.extensions, 'payment-identifier': { info: { id: 'a-name-of-a-payment' } } };
  const all = required.accepts.map(async (row: PaymentRequirements) => ({ ...(await paymentFor(row)), extensions }));
  payments = (await Promise.all(all)).map((payment) => JSON.stringify(payment));
});
afterAll(() => world?.stop());

async function paymentFor(row: PaymentRequirements): Promise<object> {
  const payer = await payerWith(world.chain, 0n);
  if (row.scheme === 'exact') return signPayment(payer, row);
  if (row.scheme === 'upto') return signUpto(payer, row);
  const bytes32 = `0x${'11'.repeat(32)}`;
  const channelConfig = {
    payer: payer.address,
    payerAuthorizer: payer.address,
    receiver: row.payTo,
    receiverAuthorizer: row.extra['receiverAuthorizer'],
    token: row.asset,
    withdrawDelay: row.extra['withdrawDelay'],
    salt: bytes32,
  };
  const voucher = { channelId: bytes32, maxClaimableAmount: row.amount, signature: `0x${'22'.repeat(64)}1b` };
  const payload = row.network.startsWith('eip155:')
    ? { type: 'voucher', channelConfig, voucher }
    : { type: 'consume', attestation: 'eyJhbGciOiJFZERTQSJ9.e30.AAAA' };
  return { x402Version: 2, accepted: row, payload };
}

const ODD = fc.constantFrom<unknown>(
  '',
  '0',
  '-1',
  '0x',
  `0x${'f'.repeat(64)}`,
  '9'.repeat(78),
  '\u0000',
  [],
  {},
  null,
  0,
  true,
);

const spoil = fc.oneof(
  fc.record({ kind: fc.constant('byte'), at: fc.nat(), value: fc.integer({ min: 32, max: 126 }) }),
  fc.record({ kind: fc.constant('cut'), at: fc.nat(), value: fc.nat({ max: 40 }) }),
  fc.record({ kind: fc.constant('field'), at: fc.nat(), value: ODD }),
  fc.record({ kind: fc.constant('twice'), at: fc.nat(), value: fc.nat() }),
);

test(`seed ${SEED}: a payment of any scheme, spoiled anywhere, is refused and does nothing`, async () => {
  const [books, calls] = [await countOfBooks(world), world.upstream.calls().length];
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(), spoil), { minLength: AT_ONCE, maxLength: AT_ONCE }),
      fc.constantFrom({}, { stream: true }),
      async (cases, body) => {
        const answers = await Promise.all(
          cases.map(async ([which, change]) => {
            const text = spoiled(payments[which % payments.length] as string, change);
            const response = await chat(world.url, undefined, body, {
              'payment-signature': Buffer.from(text).toString('base64'),
            });
            return { status: response.status, answer: await response.text(), text };
          }),
        );
        for (const { status, answer, text } of answers) {
          if (!REFUSED.includes(status)) throw new Error(`${status} ${answer} for ${text}`);
        }
      },
    ),
    { numRuns: Math.ceil(RUNS / AT_ONCE), seed: SEED, endOnFailure: true },
  );
  expect(world.upstream.calls()).toHaveLength(calls);
  expect(await countOfBooks(world)).toEqual(books);
  expect(await receivedOnChain(world.chain)).toBe(0n);
  expect(await sql(world, 'SELECT id FROM payment_identifiers')).toEqual([]);
}, 600_000);

function spoiled(text: string, { kind, at, value }: { kind: string; at: number; value: unknown }): string {
  const place = at % text.length;
  if (kind === 'byte') return text.slice(0, place) + String.fromCharCode(Number(value)) + text.slice(place + 1);
  if (kind === 'cut') return text.slice(0, place) + text.slice(place + Number(value));
  if (kind === 'twice') return text.slice(0, place) + text.slice(0, Number(value) % text.length);
  const payment: unknown = JSON.parse(text);
  const places = fieldsOf(payment);
  const [node, name] = places[at % places.length] as [Record<string, unknown>, string];
  node[name] = value;
  return JSON.stringify(payment);
}

/** Every member of every object, at any depth. */
function fieldsOf(node: unknown): [Record<string, unknown>, string][] {
  if (typeof node !== 'object' || node === null) return [];
  const members = Object.entries(node as Record<string, unknown>);
  return members.flatMap(([name, child]) => [[node as Record<string, unknown>, name], ...fieldsOf(child)]);
}
