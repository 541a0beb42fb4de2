import fc from 'fast-check';
import {
  ceilDivide,
  divideHalfUp,
  formatAtoms,
  formatMoney,
  minus,
  type Money,
  parseMoney,
  plus,
  smaller,
  usd,
  usdc,
  usdcToUsdAtPar,
  usdToUsdcAtPar,
} from '../../src/common/money';

const atoms = fc.bigInt(-(10n ** 23n), 10n ** 23n);
const positive = fc.bigInt(1n, 10n ** 20n);
const asset = fc.constantFrom('USD' as const, 'USDC' as const);
/** Up to what a column of the ledger holds. */
const money = fc.record({ asset, atoms: fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n) });

describe('money', () => {
  it('is read back exactly as it was written, and never in scientific notation', () => {
    fc.assert(
      fc.property(money, (amount) => {
        const text = formatMoney(amount);
        expect(text).toMatch(/^-?\d+(\.\d*[1-9])?$/);
        expect(parseMoney(text, amount.asset)).toEqual(amount);
      }),
    );
  });

  it('is written with its decimals where they belong, at every scale', () => {
    fc.assert(
      fc.property(atoms, fc.integer({ min: 0, max: 30 }), (value, scale) => {
        const [whole = '', fraction = ''] = formatAtoms(value, scale).replace('-', '').split('.');
        const read = BigInt(whole + fraction.padEnd(scale, '0'));
        expect(value < 0n ? -read : read).toBe(value);
      }),
    );
  });

  it('refuses whatever is not a plain decimal of the asset, and never guesses', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.double().map(String),
          fc.string({ unit: fc.constantFrom(...'0123456789.-+e, '.split('')) }),
        ),
        (text) => {
          let read: Money;
          try {
            read = parseMoney(text, 'USDC');
          } catch (error) {
            expect(error).toMatchObject({ code: 'invalid_amount', status: 400 });
            return;
          }
          expect(text).toMatch(/^-?\d{1,15}(\.\d{1,6})?$/);
          expect(Number(formatMoney(read))).toBeCloseTo(Number(text), 6);
        },
      ),
    );
  });

  it('adds up: minus undoes plus, order does not matter, assets never meet', () => {
    fc.assert(
      fc.property(money, money, (a, b) => {
        if (a.asset !== b.asset) {
          for (const meet of [plus, minus, smaller]) expect(() => meet(a, b)).toThrow('never meet');
          return;
        }
        expect(minus(plus(a, b), b)).toEqual(a);
        expect(plus(a, b)).toEqual(plus(b, a));
        expect(smaller(a, b)).toEqual(smaller(b, a));
      }),
    );
  });

  it('rounds by the laws: up never loses, half up errs by at most a half', () => {
    fc.assert(
      fc.property(atoms, positive, (value, divisor) => {
        const up = ceilDivide(value, divisor);
        expect(up * divisor >= value && (up - 1n) * divisor < value).toBe(true);
        const nearest = divideHalfUp(value, divisor);
        const error = (nearest * divisor - value) * 2n;
        expect(error <= divisor && error > -divisor).toBe(true);
        expect(divideHalfUp(value * divisor, divisor)).toBe(value);
      }),
    );
  });

  it('goes to a chain rounded up, by less than an atom, and comes back exactly', () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 10n ** 18n), (value) => {
        const there = usdToUsdcAtPar(usd(value));
        const back = usdcToUsdAtPar(there);
        expect(back.atoms >= value && back.atoms - value < 1000n).toBe(true);
        expect(usdToUsdcAtPar(usdcToUsdAtPar(usdc(value)))).toEqual(usdc(value));
      }),
    );
  });
});
