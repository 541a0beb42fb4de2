import { assertSameRequest, readIdempotencyKey, type RequestKey, requestKeyOf } from './idempotency-key';

describe('Idempotency-Key', () => {
  const keyOf = (asked: unknown) => requestKeyOf('k', asked) as RequestKey;

  it('is of the caller, and bound to what was asked, in whichever order', () => {
    expect(requestKeyOf(undefined, {})).toBeUndefined();
    expect(keyOf({ b: 1, a: { d: [1, 2], c: undefined } })).toEqual(keyOf({ a: { d: [1, 2] }, b: 1 }));
    const { fingerprint } = keyOf({ a: 1 });
    expect(() => assertSameRequest(keyOf({ a: 1 }), fingerprint)).not.toThrow();
    expect(() => assertSameRequest(keyOf({ a: 2 }), fingerprint)).toThrow('used before with another request');
    expect(() => assertSameRequest(keyOf({ a: [2, 1] }), keyOf({ a: [1, 2] }).fingerprint)).toThrow('used before');
  });

  it('keeps the fingerprints that are stored', () => {
    const body = { reason: 'The customer moved on. – ü', amountCents: 1000, force: undefined, list: [2, 1, null, 'x'] };
    expect(keyOf({ topUp: 'top_1', body }).fingerprint).toBe('8z99ETdWtbwY0DNEPwgHn8Q7GzMOierD87Zo5zv0Ht0');
  });

  it.each(['', 'with space', 'x'.repeat(256), ['two', 'of them']])('cannot be %j', (header) => {
    expect(() => readIdempotencyKey(header)).toThrow('Idempotency-Key must be');
  });
});
