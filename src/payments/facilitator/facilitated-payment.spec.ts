import { readFacilitatedPayment } from './facilitated-payment';

const address = (digit: string) => `0x${digit.repeat(40)}`;
const required = (change: object = {}) => ({
  scheme: 'batch-settlement',
  network: 'eip155:84532',
  amount: '1',
  asset: address('A'),
  payTo: address('B'),
  ...change,
});
const payment = (inner: object) => ({ x402Version: 2, accepted: {}, payload: inner });
const read = (inner: object, change?: object) => readFacilitatedPayment(payment(inner), required(change));
const channel = { receiver: address('c'), token: address('d') };

it('names everybody who is paid and every token, wherever they stand', () => {
  const claims = [{ voucher: { channel } }, { voucher: { channel: { receiver: address('e'), token: address('a') } } }];
  expect(read({ type: 'claim', claims })).toMatchObject({
    payees: [address('b'), address('c'), address('e')],
    tokens: [address('a'), address('d'), address('a')],
  });
  expect(read({ type: 'deposit', channelConfig: channel })).toMatchObject({ payees: [address('b'), address('c')] });
  expect(read({ type: 'settle', ...channel })).toMatchObject({ tokens: [address('a'), address('d')] });
});

it('knows copies of a payment by what was signed, and its terms by what is asked', () => {
  const first = read({ signature: '0x1', nonce: '2' });
  const copy = read({ nonce: '2', signature: '0x1' }, { maxTimeoutSeconds: 5 });
  const cheaper = read({ signature: '0x1', nonce: '2' }, { amount: '0' });
  expect(copy?.payloadHash).toBe(first?.payloadHash);
  expect(copy?.termsHash).toBe(first?.termsHash);
  expect(cheaper?.payloadHash).toBe(first?.payloadHash);
  expect(cheaper?.termsHash).not.toBe(first?.termsHash);
  expect(read({ type: 'settle', ...channel })?.payloadHash).toBeUndefined();
});

it.each([
  ['no scheme', {}, { scheme: 1 }],
  ['a negative amount', {}, { amount: '-1' }],
  ['an amount that is a number', {}, { amount: 1 }],
  ['a payee that is no address', {}, { payTo: 'merchant' }],
  ['a claim without a channel', { type: 'claim', claims: [{ voucher: { channel: { receiver: 1 } } }] }, {}],
])('refuses %s', (_, inner, change) => {
  expect(read(inner, change)).toBeUndefined();
});

it('refuses what is no payment', () => {
  expect(readFacilitatedPayment({ accepted: {} }, required())).toBeUndefined();
  expect(readFacilitatedPayment({ payload: {} }, required())).toBeUndefined();
});
