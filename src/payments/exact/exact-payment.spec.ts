import { boundTo, type ExactPayment, findExactPayment, lapseOf, mismatchOf, paymentIdOf } from './exact-payment';

const REQUIRED = {
  scheme: 'exact',
  network: 'eip155:84532',
  amount: '32',
  asset: '0x036CbD53842c5426634e7929541eC2318f3dCF7e',
  payTo: '0x70997970C51812dc3A010C7d01b50e0d17dc79C8',
  maxTimeoutSeconds: 660,
  extra: { name: 'USDC', version: '2' },
} as const;
const AUTHORIZATION = {
  from: '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC',
  to: REQUIRED.payTo,
  value: '32',
  validAfter: '0',
  validBefore: '1800000000',
  nonce: `0x${'Ab'.repeat(32)}`,
};
/** Unix seconds: shortly before it lapses. */
const NOW = 1_799_999_500;
const PAYLOAD = { authorization: AUTHORIZATION, signature: `0x${'11'.repeat(65)}` };

const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64');
const v2 = (change: object = {}) => ({
  'payment-signature': encoded({ x402Version: 2, accepted: REQUIRED, payload: PAYLOAD, ...change }),
});
const v1 = (change: object = {}) => ({
  'x-payment': encoded({ x402Version: 1, scheme: 'exact', network: 'base-sepolia', payload: PAYLOAD, ...change }),
});
const found = (headers: Record<string, string>) => findExactPayment(headers) as ExactPayment;

test('version 2 goes before version 1, and both are the same payment', () => {
  expect(found({ ...v1(), ...v2() }).version).toBe(2);
  expect(found(v1()).authorization).toEqual(found(v2()).authorization);
  expect(mismatchOf(found(v1()), REQUIRED, NOW)).toBeUndefined();
  expect(mismatchOf(found(v2()), REQUIRED, NOW)).toBeUndefined();
});

test('hex is the same payment in any case', () => {
  const { from, nonce } = found(v2()).authorization;
  expect([from, nonce]).toEqual([AUTHORIZATION.from.toLowerCase(), AUTHORIZATION.nonce.toLowerCase()]);
  expect(paymentIdOf(REQUIRED.network, REQUIRED.asset, from, nonce)).toBe(
    paymentIdOf(REQUIRED.network, REQUIRED.asset.toLowerCase(), AUTHORIZATION.from, AUTHORIZATION.nonce),
  );
});

test('a payment is bound to its request and to its very signature', () => {
  const payment = found(v2());
  const forged = found(v2({ payload: { ...PAYLOAD, signature: `0x${'22'.repeat(65)}` } }));
  expect(boundTo(payment, 'a')).toBe(boundTo(found(v1()), 'a'));
  expect(boundTo(payment, 'a')).not.toBe(boundTo(payment, 'b'));
  expect(boundTo(payment, 'a')).not.toBe(boundTo(forged, 'a'));
});

test.each([
  ['032', 'invalid_exact_evm_payload_authorization_value_mismatch'],
  ['31', 'invalid_exact_evm_payload_authorization_value_mismatch'],
  ['33', 'invalid_exact_evm_payload_authorization_value_mismatch'],
])('a value of %s where 32 is asked for is %s', (value, code) => {
  const payment = found(v2({ payload: { ...PAYLOAD, authorization: { ...AUTHORIZATION, value } } }));
  expect(mismatchOf(payment, REQUIRED, NOW)?.code).toBe(code);
});

test('version 1 names networks its own way', () => {
  expect(mismatchOf(found(v1({ network: 'eip155:84532' })), REQUIRED, NOW)?.code).toBe('invalid_network');
  expect(mismatchOf(found(v1({ network: 'base' })), REQUIRED, NOW)?.code).toBe('invalid_network');
});

test.each([
  ['1', v1],
  ['2', v2],
])('a payment of version %s that is valid much longer than was asked for is not taken', (_, of) => {
  const code = 'invalid_exact_evm_payload_authorization_valid_before';
  const until = (seconds: number) => {
    const authorization = { ...AUTHORIZATION, validBefore: String(seconds) };
    return mismatchOf(found(of({ payload: { ...PAYLOAD, authorization } })), REQUIRED, NOW)?.code;
  };
  expect(until(NOW + REQUIRED.maxTimeoutSeconds + 3_600)).toBeUndefined();
  expect(until(NOW + REQUIRED.maxTimeoutSeconds + 3_601)).toBe(code);
  expect(until(253_402_214_400)).toBe(code);
});

test('an authorization that is valid for ever lapses at the end of the calendar', () => {
  const validBefore = ((1n << 256n) - 1n).toString();
  const lapse = lapseOf({ ...found(v2()).authorization, validBefore });
  expect(lapse.getUTCFullYear()).toBe(9999);
  expect(lapseOf(found(v2()).authorization)).toEqual(new Date(1_800_000_000_000));
});
