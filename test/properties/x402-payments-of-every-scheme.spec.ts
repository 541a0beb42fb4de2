import fc from 'fast-check';
import { x402Client, x402HTTPClient } from '@x402/core/client';
import { BatchSettlementEvmScheme } from '@x402/evm/batch-settlement/client';
import { newSigningKey } from '../../src/common/signing-key';
import type { PaymentRequirements } from '../../src/payments/payment-scheme';
import { payerWith, receivedOnChain } from '../support/chain';
import { attestationOf, authorize, NETWORK } from '../support/credit-world';
import { challengeOf, signChallenge } from '../support/sign-in';
import { instructionsOf, paidByHand, payingWallet, proofHeader, topUpWallet } from '../support/transfers';
import { signUpto, uptoPayerWith } from '../support/upto';
import { inHeader, signPayment, sql, startX402World, type X402World } from '../support/x402-world';
import { chat, customerWith } from '../support/world';

/** More of them, or the same again: X402_RUNS=10000 X402_SEED=… */
const RUNS = Number(process.env['X402_RUNS'] ?? 1_000);
const SEED = Number(process.env['X402_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const AT_ONCE = 10;
const REFUSED = [400, 401, 402, 409, 412];
const ORIGIN = 'http://ai.example';
const FIVE_USDC = 5_000_000n;

let world: X402World;
/** Good payments, each used for the plain call, of payers with money left: `[header, value]`. */
let payments: [string, string][];

beforeAll(async () => {
  const env = {
    PUBLIC_URL: ORIGIN,
    CREDIT_AUTHORITY_JWKS: JSON.stringify({ keys: [newSigningKey()] }),
    X402_EXTENSIONS: 'payment-identifier,sign-in-with-x',
  };
  world = await startX402World({ env });
  const used = await goodPayments();
  for (const headers of used) {
    const response = await chat(world.url, undefined, {}, headers);
    const text = await response.text();
    expect({ headers, status: response.status, text }).toMatchObject({ status: 200 });
  }
  const [poor] = [await customerWith(world, 0n)];
  const all = [...used, { authorization: `Bearer ${poor.key}` }];
  payments = all.flatMap((headers) => Object.entries(headers));
}, 120_000);
afterAll(() => world?.stop());

/** One of every way to pay in a header, as its own client makes it. Some have a name. */
async function goodPayments(): Promise<Record<string, string>[]> {
  const unpaid = await chat(world.url, undefined);
  const required = JSON.parse(Buffer.from(unpaid.headers.get('payment-required') ?? '', 'base64').toString());
  const row = (scheme: string, network = 'eip155:84532'): PaymentRequirements =>
    required.accepts.find((one: PaymentRequirements) => one.scheme === scheme && one.network === network);
  const extensions = { 'payment-identifier': { info: { id: 'a-name-of-a-payment' } } };
  const exact = await signPayment(await payerWith(world.chain, FIVE_USDC), row('exact'));
  const { payload } = await signPayment(await payerWith(world.chain, FIVE_USDC), row('exact'));
  const first = { x402Version: 1, scheme: 'exact', network: 'base-sepolia', payload };
  const upto = await signUpto(await uptoPayerWith(world.chain, FIVE_USDC), row('upto'));
  const scheme = new BatchSettlementEvmScheme(await payerWith(world.chain, FIVE_USDC));
  const client = new x402HTTPClient(new x402Client().register('eip155:*', scheme));
  const channel = await client.createPaymentPayload({ ...required, accepts: [row('batch-settlement')] });
  const bundle = await customerWith(world, 1_000_000_000n);
  const credit = row('batch-settlement', NETWORK);
  const resource = `${ORIGIN}/v1/chat/completions`;
  const attestation = await attestationOf(authorize(world, bundle, { amount: credit.amount, resource }));
  const binding = { x402Version: 2, accepted: credit, payload: { type: 'consume', attestation }, extensions };
  const wallet = await payingWallet(world.chain, FIVE_USDC);
  const asked = await chat(world.url, undefined, {}, { 'wallet-provider': 'metamask' });
  const proof = await paidByHand(wallet, instructionsOf(await asked.json()));
  await topUpWallet(world, wallet.account, '0.5');
  return [
    inHeader({ ...exact, extensions }),
    { 'x-payment': Buffer.from(JSON.stringify(first)).toString('base64') },
    inHeader({ ...upto, extensions }),
    { ...client.encodePaymentSignatureHeader({ ...channel, extensions }) },
    inHeader(binding),
    proofHeader({ ...proof, extensions } as typeof proof),
    await signChallenge(wallet.account, challengeOf(unpaid)),
  ];
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

/** Of the JSON in a header, and of the header as it stands. */
const spoil = fc.oneof(
  fc.record({ kind: fc.constant('header byte'), at: fc.nat(), value: fc.integer({ min: 32, max: 126 }) }),
  fc.record({ kind: fc.constant('nothing'), at: fc.nat(), value: fc.nat() }),
  fc.record({ kind: fc.constant('nested'), at: fc.nat(), value: fc.nat({ max: 4_000 }) }),
  fc.record({ kind: fc.constant('byte'), at: fc.nat(), value: fc.integer({ min: 32, max: 126 }) }),
  fc.record({ kind: fc.constant('cut'), at: fc.nat(), value: fc.nat({ max: 40 }) }),
  fc.record({ kind: fc.constant('field'), at: fc.nat(), value: ODD }),
  fc.record({ kind: fc.constant('twice'), at: fc.nat(), value: fc.nat() }),
);

test(`seed ${SEED}: a payment of any scheme, used already and spoiled anywhere, does nothing more`, async () => {
  const [books, calls, received] = [await usedUp(), world.upstream.calls().length, await receivedOnChain(world.chain)];
  const answered: Record<number, number> = {};
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(), spoil), { minLength: AT_ONCE, maxLength: AT_ONCE }),
      fc.constantFrom({}, { stream: true }),
      async (cases, body) => {
        const answers = await Promise.all(
          cases.map(async ([which, change]) => {
            const [name, value] = payments[which % payments.length] as [string, string];
            const header = spoiledHeader(value, change);
            const response = await chat(world.url, undefined, body, { [name]: header });
            const replayed = response.headers.get('x-tollbridge-replayed') === 'true';
            return { status: response.status, replayed, answer: await response.text(), shown: `${name}: ${header}` };
          }),
        );
        for (const { status, replayed, answer, shown } of answers) {
          answered[status] = (answered[status] ?? 0) + 1;
          // What is left as it was gets the first answer again.
          if (!REFUSED.includes(status) && !(status === 200 && replayed))
            throw new Error(`${status} ${answer} for ${shown}`);
        }
      },
    ),
    { numRuns: Math.ceil(RUNS / AT_ONCE), seed: SEED, endOnFailure: true },
  );
  if (process.env['X402_RUNS']) process.stdout.write(`${RUNS} headers, seed ${SEED}: ${JSON.stringify(answered)}\n`);
  expect(world.upstream.calls()).toHaveLength(calls);
  expect(await usedUp()).toEqual(books);
  expect(await receivedOnChain(world.chain)).toBe(received);
}, 1_800_000);

/** What is on the books but for gas, which is noticed later; what was claimed for good; every name that is taken. */
async function usedUp() {
  const entries = await sql(world, `SELECT key, kind FROM journal_entries WHERE kind <> 'gas_spent' ORDER BY 1`);
  const claims = await sql(world, `SELECT key, state FROM claims WHERE state <> 'released' ORDER BY key`);
  return { entries, claims, names: await sql(world, 'SELECT payer, id FROM payment_identifiers ORDER BY 1, 2') };
}

/** A key is no JSON, and is spoiled as it stands. What no header can hold is left out of it. */
function spoiledHeader(value: string, change: { kind: string; at: number; value: unknown }): string {
  if (change.kind === 'nothing') return value;
  const text = Buffer.from(value, 'base64').toString();
  const asItStands = change.kind === 'header byte' || !text.startsWith('{');
  const header = asItStands
    ? spoiled(value, { ...change, kind: 'byte' })
    : Buffer.from(spoiled(text, change)).toString('base64');
  return header.replace(/[^\x20-\x7e]/g, '~').trim();
}

function spoiled(text: string, { kind, at, value }: { kind: string; at: number; value: unknown }): string {
  const place = at % text.length;
  if (kind === 'byte') return text.slice(0, place) + String.fromCharCode(Number(value)) + text.slice(place + 1);
  if (kind === 'cut') return text.slice(0, place) + text.slice(place + Number(value));
  if (kind === 'twice') return text.slice(0, place) + text.slice(0, Number(value) % text.length);
  const payment: unknown = JSON.parse(text);
  const places = fieldsOf(payment);
  const [node, name] = places[at % places.length] as [Record<string, unknown>, string];
  node[name] = kind === 'nested' ? JSON.parse('['.repeat(Number(value)) + ']'.repeat(Number(value)) || '0') : value;
  return JSON.stringify(payment);
}

/** Every member of every object, at any depth. */
function fieldsOf(node: unknown): [Record<string, unknown>, string][] {
  if (typeof node !== 'object' || node === null) return [];
  const members = Object.entries(node as Record<string, unknown>);
  return members.flatMap(([name, child]) => [[node as Record<string, unknown>, name], ...fieldsOf(child)]);
}
