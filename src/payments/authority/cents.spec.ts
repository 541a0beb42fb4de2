import fc from 'fast-check';
import { usd, usdc } from '../../common/money';
import { centsCeiling, centsFloor, fromCents, readCents } from './cents';

const anyUsd = fc.bigInt({ min: 0n, max: 10n ** 18n }).map(usd);

test('what is attested covers what is charged, by less than a cent', () => {
  fc.assert(
    fc.property(anyUsd, (charge) => {
      const held = fromCents(centsCeiling(charge)).atoms;
      return held >= charge.atoms && held - charge.atoms < fromCents(1n).atoms;
    }),
  );
});

test('a balance is told rounded down', () => {
  expect(centsFloor(usd(19_999_999n))).toBe(1n);
  expect(centsFloor(usd(20_000_000n))).toBe(2n);
  expect(centsFloor(usd(-1n))).toBe(-1n);
});

test('only USD is counted in cents', () => {
  expect(() => centsCeiling(usdc(1n))).toThrow(TypeError);
});

test.each(['0', '1', '99999999999'])('%s is an amount of cents', (text) => {
  expect(readCents(text)).toBe(BigInt(text));
});

test.each(['', '-1', '01', '1.0', '1e3', '0x1', ' 1', '１', '100000000000', 1, null, undefined])(
  '%p is none',
  (text) => {
    expect(readCents(text)).toBeUndefined();
  },
);
