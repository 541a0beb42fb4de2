import type { PrivateKeyAccount } from 'viem';
import type { PaymentRequirements } from '../../src/payments/payment-scheme';
import { payerWith } from '../support/chain';
import { expectRefused } from '../support/refused';
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

const STRANGER = '0x90F79bf6EB2c4f870365E785982E1f101E93b906';
const now = () => Math.floor(Date.now() / 1000);

let world: X402World;
let payer: PrivateKeyAccount;
let required: PaymentRequirements;

beforeAll(async () => {
  world = await startX402World();
  payer = await payerWith(world.chain, 1_000_000n);
  required = await askedFor(chat(world.url, undefined));
});
afterEach(() => expectBooksAsOnChain(world));
afterAll(() => world?.stop());

type Headers = Record<string, string>;

/** A good payment, spoiled after it was signed. */
const spoiled = async (spoil: (payment: SignedPayment) => unknown): Promise<Headers> =>
  inHeader(spoil(await signPayment(payer, required)));

const omit = (value: object, field: string) =>
  Object.fromEntries(Object.entries(value).filter(([name]) => name !== field));

const without = (payment: SignedPayment, field: string) => ({
  ...payment,
  payload: { ...payment.payload, authorization: omit(payment.payload.authorization, field) },
});

const UNREADABLE: [string, () => Headers | Promise<Headers>][] = [
  ['not base64', () => ({ 'payment-signature': '!!! not base64 !!!' })],
  ['an empty header', () => ({ 'payment-signature': '' })],
  ['not JSON', () => ({ 'payment-signature': Buffer.from('{"x402Version":2,').toString('base64') })],
  ['JSON null', () => inHeader(null)],
  ['a JSON array', () => inHeader([])],
  ['no version', () => spoiled((payment) => omit(payment, 'x402Version'))],
  ['version 1 in the header of version 2', () => spoiled((payment) => ({ ...payment, x402Version: 1 }))],
  ['version 3', () => spoiled((payment) => ({ ...payment, x402Version: 3 }))],
  ['no accepted', () => spoiled((payment) => omit(payment, 'accepted'))],
  ['no payload', () => spoiled((payment) => omit(payment, 'payload'))],
  ...['from', 'to', 'value', 'validAfter', 'validBefore', 'nonce'].map((field): [string, () => Promise<Headers>] => [
    `no ${field}`,
    () => spoiled((payment) => without(payment, field)),
  ]),
  [
    'a number where a decimal string belongs',
    () =>
      spoiled((payment) => ({
        ...payment,
        payload: { ...payment.payload, authorization: { ...payment.payload.authorization, value: 32 } },
      })),
  ],
  ['a nonce of 31 bytes', async () => inHeader(await withNonce(`0x${'11'.repeat(31)}`))],
  [
    'a value above uint256',
    () =>
      spoiled((payment) => ({
        ...payment,
        payload: {
          ...payment.payload,
          authorization: { ...payment.payload.authorization, validBefore: '9'.repeat(78) },
        },
      })),
  ],
  [
    'an ERC-6492 signature whose wrapping is broken',
    () =>
      spoiled((payment) => ({
        ...payment,
        payload: { ...payment.payload, signature: `0x${'ff'.repeat(40)}${'6492'.repeat(16)}` },
      })),
  ],
  [
    'a signature of nine kilobytes',
    () => spoiled((payment) => ({ ...payment, payload: { ...payment.payload, signature: `0x${'11'.repeat(4500)}` } })),
  ],
  [
    'a Permit2 payload',
    () => spoiled((payment) => ({ ...payment, payload: { permit2Authorization: {}, signature: '0x11' } })),
  ],
  [
    'version 2 in the header of version 1',
    async () => ({ 'x-payment': (await good())['payment-signature'] as string }),
  ],
];

const good = async (): Promise<Headers> => inHeader(await signPayment(payer, required));
const withNonce = async (nonce: string) => {
  const payment = await signPayment(payer, required);
  return { ...payment, payload: { ...payment.payload, authorization: { ...payment.payload.authorization, nonce } } };
};

test.each(UNREADABLE)('%s: 400, it cannot be read', async (_what, headers) => {
  await expectRefused(world, await headers(), 400, 'invalid_payload');
});

const REFUSED: [string, string, () => Promise<Headers>][] = [
  [
    'expired',
    'invalid_exact_evm_payload_authorization_valid_before',
    () => signed({ validBefore: String(now() - 10) }),
  ],
  [
    'about to expire',
    'invalid_exact_evm_payload_authorization_valid_before',
    () => signed({ validBefore: String(now() + 3) }),
  ],
  [
    'valid for a day too long',
    'invalid_exact_evm_payload_authorization_valid_before',
    () => signed({ validBefore: String(now() + 86_400) }),
  ],
  [
    'valid for ever',
    'invalid_exact_evm_payload_authorization_valid_before',
    () => signed({ validBefore: ((1n << 256n) - 1n).toString() }),
  ],
  [
    'not yet valid',
    'invalid_exact_evm_payload_authorization_valid_after',
    () => signed({ validAfter: String(now() + 600), validBefore: String(now() + 1200) }),
  ],
  ['too little', 'invalid_exact_evm_payload_authorization_value_mismatch', () => signed({ value: less(1n) })],
  ['too much', 'invalid_exact_evm_payload_authorization_value_mismatch', () => signed({ value: less(-1n) })],
  [
    'another amount accepted than signed',
    'invalid_exact_evm_payload_authorization_value_mismatch',
    () => spoiled((payment) => ({ ...payment, accepted: { ...payment.accepted, amount: '1' } })),
  ],
  ['to somebody else', 'invalid_exact_evm_payload_recipient_mismatch', () => signed({ to: STRANGER })],
  ['on another network', 'invalid_network', () => accepting({ network: 'eip155:8453' })],
  ['in another asset', 'invalid_payment_requirements', () => accepting({ asset: STRANGER })],
  ['of a scheme that is not offered', 'unsupported_scheme', () => accepting({ scheme: 'auth-capture' })],
  [
    'signed by another wallet',
    'invalid_exact_evm_signature',
    async () => inHeader(await signPayment(payer, required, {}, await payerWith(world.chain, 1_000_000n))),
  ],
  [
    'changed after it was signed',
    'invalid_exact_evm_signature',
    async () => inHeader(await withNonce(`0x${'22'.repeat(32)}`)),
  ],
  [
    'signed for another token contract',
    'invalid_exact_evm_signature',
    async () => {
      const payment = await signPayment(payer, { ...required, asset: STRANGER });
      return inHeader({ ...payment, accepted: required });
    },
  ],
  [
    'by a wallet without the money',
    'invalid_exact_evm_insufficient_balance',
    async () => inHeader(await signPayment(await payerWith(world.chain, 1n), required)),
  ],
];

const signed = async (change: Parameters<typeof signPayment>[2]) =>
  inHeader(await signPayment(payer, required, change));
const accepting = (change: Partial<PaymentRequirements>) =>
  spoiled((payment) => ({ ...payment, accepted: { ...payment.accepted, ...change } }));
const less = (atoms: bigint) => (BigInt(required.amount) - atoms).toString();

test.each(REFUSED)('a payment %s: 402 %s', async (_what, code, headers) => {
  await expectRefused(world, await headers(), 402, code);
});

test('a header that no server takes is refused before anything is read', async () => {
  const calls = world.upstream.calls().length;
  const response = await chat(world.url, undefined, {}, { 'payment-signature': 'A'.repeat(20_000) });

  expect(response.status).toBe(431);
  expect(world.upstream.calls()).toHaveLength(calls);
});

test('a payment that is settled pays nothing else', async () => {
  const headers = await good();
  expect((await chat(world.url, undefined, {}, headers)).status).toBe(200);

  const other = await chat(world.url, undefined, { max_tokens: 50, temperature: 0 }, headers);

  expect(other.status).toBe(402);
  expect(await other.json()).toMatchObject({ code: 'invalid_exact_evm_nonce_already_used' });
});

test('a payment with capital letters in its hex is as good as any', async () => {
  const headers = await signed({ validAfter: '0' });
  const payment = JSON.parse(Buffer.from(headers['payment-signature'] as string, 'base64').toString()) as SignedPayment;
  const { authorization } = payment.payload;
  authorization.from = `0x${authorization.from.slice(2).toUpperCase()}`;
  authorization.nonce = `0x${authorization.nonce.slice(2).toUpperCase()}`;

  expect((await chat(world.url, undefined, {}, inHeader(payment))).status).toBe(200);
});
