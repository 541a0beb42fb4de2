import fc from 'fast-check';
import { bearerOf } from '../../src/customers/api-key';
import { toCaller, toUpstream } from '../../src/gateway/forwarded-headers';
import { findExactPayment } from '../../src/payments/exact/exact-payment';
import { envelopeOf } from '../../src/payments/payment-envelope';

const base64 = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64');
const anything = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: 'grapheme' }),
  fc.base64String(),
  fc.jsonValue().map(base64),
  fc
    .record({ x402Version: fc.jsonValue(), accepted: fc.jsonValue(), payload: fc.jsonValue(), scheme: fc.jsonValue() })
    .map(base64),
  fc
    .record({
      x402Version: fc.constantFrom(1, 2),
      scheme: fc.constant('exact'),
      network: fc.string(),
      accepted: fc.record({ scheme: fc.constant('exact'), network: fc.constant('eip155:1'), amount: fc.jsonValue() }),
      payload: fc.record({ signature: fc.jsonValue(), authorization: fc.jsonValue() }),
    })
    .map(base64),
);

describe('headers', () => {
  it('that say they are a payment are read or refused, and never throw', () => {
    fc.assert(
      fc.property(anything, (value) => {
        for (const name of ['payment-signature', 'x-payment']) {
          const headers = { [name]: value };
          const envelope = envelopeOf(headers);
          if (envelope === undefined) throw new Error('a header that is there is a payment');
          if ('refusal' in envelope) expect(envelope.refusal.status).toBe(400);
          const isExact = 'accepted' in envelope && envelope.accepted.scheme === 'exact';
          const found = findExactPayment(headers);
          expect(found?.scheme).toBe(isExact ? 'exact' : undefined);
          if (found && 'refusal' in found) expect(found.refusal.status).toBe(400);
        }
        expect(envelopeOf({ authorization: value, 'x-payment-other': value })).toBeUndefined();
      }),
      { numRuns: 1000 },
    );
  });

  it('with a key give the key or nothing', () => {
    fc.assert(
      fc.property(anything, (value) => {
        const found = bearerOf(value);
        expect(found === undefined || !/\s/.test(found)).toBe(true);
        expect(bearerOf(`Bearer ${value}`) === undefined || !/\s/.test(value.trim())).toBe(true);
      }),
    );
  });

  it('of payments, credentials and connections never pass, in either direction', () => {
    const secret = fc.constantFrom(
      'authorization',
      'cookie',
      'payment-signature',
      'payment-response',
      'x-payment',
      'x-payment-response',
      'settlement-overrides',
      'sign-in-with-x',
      'proof-of-payment',
      'wallet-provider',
      'idempotency-key',
      'x-api-key',
      'connection',
      'transfer-encoding',
      'host',
      'content-length',
      'keep-alive',
      'upgrade',
      'te',
      'expect',
    );
    const name = fc.oneof(secret, fc.stringMatching(/^x-[a-z]{1,10}$/));
    fc.assert(
      fc.property(fc.dictionary(name, fc.string()), (headers) => {
        const sent = toUpstream(headers, 'sk-operator');
        expect(sent['authorization']).toBe('Bearer sk-operator');
        const given = { ...headers, 'set-cookie': 'a=b', 'access-control-allow-origin': '*', 'x-tollbridge-cost': '0' };
        const received = toCaller(given);
        expect(sent).not.toHaveProperty('cookie');
        for (const kept of [sent, received]) {
          for (const never of [
            'set-cookie',
            'payment-signature',
            'payment-response',
            'settlement-overrides',
            'host',
            'x-payment',
            'connection',
            'content-length',
          ]) {
            expect(kept).not.toHaveProperty(never);
          }
        }
        expect(received).not.toHaveProperty('access-control-allow-origin');
        expect(received).not.toHaveProperty('x-tollbridge-cost');
      }),
    );
  });

  it('that "connection" names belong to that connection (RFC 9110, 7.6.1)', () => {
    const sent = toUpstream({ connection: 'close, X-Hop', 'x-hop': '1', 'x-end': '1' }, undefined);
    expect(sent).toEqual({ 'x-end': '1', 'accept-encoding': 'identity' });
  });
});
