import fc from 'fast-check';
import {
  issueReference,
  readReference,
  REFERENCE_SECONDS,
  type TransferTerms,
} from '../../src/payments/transfer-proof/payment-reference';

const KEY = 'a key of the operator';
const address = fc.stringMatching(/^0x[0-9a-f]{40}$/);
const terms: fc.Arbitrary<TransferTerms> = fc.record({
  fingerprint: fc.stringMatching(/^[\w-]{1,43}$/),
  network: fc.constantFrom('eip155:8453', 'eip155:84532', 'eip155:1'),
  asset: address,
  payTo: address,
});
const atoms = fc.bigInt({ min: 1n, max: 2n ** 64n - 1n });
const instant = fc.date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true });

test('says what was issued, to the second', () => {
  fc.assert(
    fc.property(terms, atoms, instant, (given, due, now) => {
      const issuedAt = Math.floor(now.getTime() / 1000);
      expect(readReference(issueReference(given, due, KEY, now), given, KEY)).toEqual({
        atoms: due,
        issuedAt,
        expiresAt: issuedAt + REFERENCE_SECONDS,
      });
    }),
  );
});

test('is worth nothing with any one character changed', () => {
  fc.assert(
    fc.property(terms, atoms, fc.nat(43), fc.stringMatching(/^[\w-]$/), (given, due, at, character) => {
      const reference = issueReference(given, due, KEY);
      fc.pre(reference[at] !== character);
      const changed = reference.slice(0, at) + character + reference.slice(at + 1);
      expect(readReference(changed, given, KEY)).toBeUndefined();
    }),
  );
});

test('is worth nothing for another request, another place or another key', () => {
  fc.assert(
    fc.property(terms, terms, atoms, (given, other, due) => {
      const reference = issueReference(given, due, KEY);
      expect(readReference(reference, given, `${KEY}!`)).toBeUndefined();
      for (const field of ['fingerprint', 'network', 'asset', 'payTo'] as const) {
        if (other[field] === given[field]) continue;
        expect(readReference(reference, { ...given, [field]: other[field] }, KEY)).toBeUndefined();
      }
    }),
  );
});

test('never throws, whatever is given for one', () => {
  fc.assert(
    fc.property(terms, fc.string({ unit: 'binary' }), (given, text) => {
      expect(readReference(text, given, KEY)).toBeUndefined();
    }),
  );
});
