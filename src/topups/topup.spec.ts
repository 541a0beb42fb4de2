import fc from 'fast-check';
import { usd } from '../common/money';
import { AmountOutOfRangeError } from './topup-error';
import { assertInRange, centsToUsd, nextState, TOP_UP_STATES, type TopUpNews, usdToCents } from './topup';

const NEWS: readonly TopUpNews[] = ['awaiting_bank', 'paid', 'failed', 'expired'];

describe('a top-up', () => {
  it('counts a cent as ten million nano-USD', () => {
    expect(centsToUsd(1)).toEqual(usd(10_000_000n));
    expect(centsToUsd(2500)).toEqual(usd(25_000_000_000n));
    expect(usdToCents(usd(25_000_000_000n))).toBe(2500);
  });

  it('never invents or loses a fraction of a cent', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 100_000_000 }), (cents) => {
        expect(usdToCents(centsToUsd(cents))).toBe(cents);
      }),
    );
    expect(() => usdToCents(usd(1n))).toThrow(RangeError);
    expect(() => usdToCents({ asset: 'USDC', atoms: 10_000_000n })).toThrow(RangeError);
    for (const cents of [0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
      expect(() => centsToUsd(cents)).toThrow(RangeError);
    }
  });

  it('is paid once money arrived, whatever else was said before or after, in any order', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...NEWS)), fc.array(fc.constantFrom(...NEWS)), (before, after) => {
        const end = [...before, 'paid' as const, ...after].reduce(nextState, 'pending');
        expect(end).toBe('paid');
      }),
    );
  });

  it('that is over stays over without money', () => {
    for (const news of NEWS.filter((one) => one !== 'paid')) {
      expect(nextState('failed', news)).toBe('failed');
      expect(nextState('expired', news)).toBe('expired');
      expect(nextState('paid', news)).toBe('paid');
    }
  });

  it('does not change by the same news told twice', () => {
    for (const state of TOP_UP_STATES) {
      for (const news of NEWS) {
        const once = nextState(state, news);
        expect(nextState(once, news)).toBe(once);
      }
    }
  });

  it('is refused with the bounds', () => {
    const bounds = { minCents: 500, maxCents: 1000 };
    expect(() => assertInRange(500, bounds)).not.toThrow();
    expect(() => assertInRange(1000, bounds)).not.toThrow();
    for (const cents of [499, 1001, -1, 600.5, Number.NaN]) {
      expect(() => assertInRange(cents, bounds)).toThrow(AmountOutOfRangeError);
    }
    expect(new AmountOutOfRangeError(499, bounds).toProblem()).toMatchObject({
      status: 400,
      code: 'amount_out_of_range',
      hint: 'Choose amountCents from 500 to 1000: $5 to $10.',
      ...bounds,
    });
  });
});
