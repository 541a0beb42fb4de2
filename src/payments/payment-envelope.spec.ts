import { addressOf, bytes32Of, envelopeFor, envelopeOf, signatureOf, uintOf } from './payment-envelope';

const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64');
const ACCEPTED = { scheme: 'upto', network: 'eip155:8453' };
const V2 = { x402Version: 2, accepted: ACCEPTED, payload: { a: 1 } };
const V1 = { x402Version: 1, scheme: 'exact', network: 'base', payload: { a: 1 } };

test('version 2 goes before version 1', () => {
  const headers = { 'payment-signature': encoded(V2), 'x-payment': encoded(V1) };
  expect(envelopeOf(headers)).toMatchObject({ version: 2, accepted: ACCEPTED, extensions: {} });
  expect(envelopeOf({ 'x-payment': encoded(V1) })).toMatchObject({ version: 1, accepted: { scheme: 'exact' } });
  expect(envelopeOf({})).toBeUndefined();
});

test('is read once for a request', () => {
  const headers = { 'payment-signature': encoded(V2) };
  expect(envelopeOf(headers)).toBe(envelopeOf(headers));
});

test('is found by the scheme that it names, and by no other one', () => {
  const headers = { 'payment-signature': encoded(V2) };
  expect(envelopeFor('upto', headers)).toMatchObject({ payload: { a: 1 } });
  expect(envelopeFor('exact', headers)).toBeUndefined();
  expect(envelopeFor('upto', { 'payment-signature': 'x' })).toBeUndefined();
});

test.each([
  ['no base64 of JSON', '{'],
  ['nothing', ''],
  ['null', encoded(null)],
  ['an array', encoded([])],
  ['another version', encoded({ ...V2, x402Version: 1 })],
  ['no scheme', encoded({ ...V2, accepted: { network: 'eip155:1' } })],
  ['an amount that is a number', encoded({ ...V2, accepted: { ...ACCEPTED, amount: 1 } })],
  ['no payload', encoded({ ...V2, payload: undefined })],
  ['a list as payload', encoded({ ...V2, payload: [] })],
  ['a text as extensions', encoded({ ...V2, extensions: 'all' })],
  ['the header twice', [encoded(V2), encoded(V2)]],
  ['70000 characters', 'A'.repeat(70_000)],
])('%s is a payment that cannot be read', (_what, header) => {
  expect(envelopeOf({ 'payment-signature': header })).toMatchObject({
    refusal: { status: 400, code: 'invalid_payload' },
  });
});

test('the readers of fields are strict in shape and lenient in case', () => {
  expect(addressOf(`0x${'Ab'.repeat(20)}`)).toBe(`0x${'ab'.repeat(20)}`);
  expect(bytes32Of(`0x${'AB'.repeat(32)}`)).toBe(`0x${'ab'.repeat(32)}`);
  expect(uintOf('115792089237316195423570985008687907853269984665640564039457584007913129639935')).toBeDefined();
  expect(signatureOf('0x11')).toBe('0x11');
  for (const wrong of [`0x${'ab'.repeat(19)}`, 'ab'.repeat(21), 1, null, undefined, {}]) {
    expect(addressOf(wrong)).toBeUndefined();
    expect(bytes32Of(wrong)).toBeUndefined();
  }
  for (const wrong of ['-1', '1e3', '0x10', '', ' 1', '９', 1, `1${'0'.repeat(78)}`])
    expect(uintOf(wrong)).toBeUndefined();
  expect(uintOf('115792089237316195423570985008687907853269984665640564039457584007913129639936')).toBeUndefined();
  for (const wrong of ['0x', '0x1', 'ff', `0x${'11'.repeat(4097)}`]) expect(signatureOf(wrong)).toBeUndefined();
});
