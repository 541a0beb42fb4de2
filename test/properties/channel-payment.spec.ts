import fc from 'fast-check';
import { findChannelPayment } from '../../src/payments/channels/channel-payment';

const HEX = (bytes: number): string => `0x${'1'.repeat(bytes * 2)}`;
const GOOD: Record<string, unknown> = {
  type: 'deposit',
  channelConfig: {
    payer: HEX(20),
    payerAuthorizer: HEX(20),
    receiver: HEX(20),
    receiverAuthorizer: HEX(20),
    token: HEX(20),
    withdrawDelay: 900,
    salt: HEX(32),
  },
  voucher: { channelId: HEX(32), maxClaimableAmount: '100', signature: HEX(65) },
  deposit: {
    amount: '1000',
    authorization: {
      erc3009Authorization: { validAfter: '0', validBefore: '9999999999', salt: HEX(32), signature: HEX(65) },
    },
  },
};
const headersOf = (payload: unknown) => ({
  'payment-signature': Buffer.from(
    JSON.stringify({ x402Version: 2, accepted: { scheme: 'batch-settlement', network: 'eip155:84532' }, payload }),
  ).toString('base64'),
});
const find = (payload: unknown) => findChannelPayment(headersOf(payload));

/** Every place in the payload, as a path. */
const pathsIn = (value: unknown, path: string[] = []): string[][] =>
  typeof value === 'object' && value !== null
    ? Object.entries(value).flatMap(([key, inner]) => [[...path, key], ...pathsIn(inner, [...path, key])])
    : [];
const withValue = (value: unknown, [key, ...rest]: readonly string[], spoiled: unknown): unknown =>
  key === undefined
    ? spoiled
    : {
        ...(value as Record<string, unknown>),
        [key]: withValue((value as Record<string, unknown>)[key], rest, spoiled),
      };

test('a deposit, a voucher and a refund are read', () => {
  expect(find(GOOD)).toMatchObject({ max: 100n, deposit: { amount: 1_000n }, refund: undefined });
  expect(find({ ...GOOD, type: 'voucher' })).toMatchObject({ max: 100n, deposit: undefined, refund: undefined });
  expect(find({ ...GOOD, type: 'refund' })).toMatchObject({ refund: { amount: undefined } });
  expect(find({ ...GOOD, type: 'refund', amount: '7' })).toMatchObject({ refund: { amount: 7n } });
});

test('a payload that is spoiled anywhere is refused as a value', () => {
  const junk = fc.oneof(
    fc.constantFrom(null, undefined, '', 'x', '-1', '1.5', '0x', '0x1', (1n << 256n).toString(), 1e21, -1, {}, []),
    fc.double(),
    fc.boolean(),
  );
  fc.assert(
    fc.property(fc.constantFrom(...pathsIn(GOOD)), junk, (path, spoiled) => {
      const isDelay = path.at(-1) === 'withdrawDelay' && Number.isInteger(spoiled) && (spoiled as number) >= 0;
      fc.pre(!isDelay);
      expect(find(withValue(GOOD, path, spoiled))).toMatchObject({
        refusal: { status: 400, code: 'invalid_payload' },
      });
    }),
    { numRuns: 500 },
  );
});

test('an amount that a channel cannot hold is refused', () => {
  const amount = (1n << 128n).toString();
  for (const path of [
    ['voucher', 'maxClaimableAmount'],
    ['deposit', 'amount'],
  ]) {
    expect(find(withValue(GOOD, path, amount))).toMatchObject({ refusal: { code: 'invalid_payload' } });
  }
});

test('whatever the payload is, nothing is thrown', () => {
  fc.assert(
    fc.property(fc.anything(), (payload) => {
      fc.pre(payload !== undefined && typeof payload !== 'bigint');
      let headers;
      try {
        headers = headersOf(payload);
      } catch {
        return;
      }
      findChannelPayment(headers);
    }),
  );
});
