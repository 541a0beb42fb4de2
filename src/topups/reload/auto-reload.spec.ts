import fc from 'fast-check';
import { usd } from '../../common/money';
import { centsToUsd } from '../topup';
import { leftOf, restSeconds, sizeOf } from './auto-reload';
import { declineClass } from './decline';
import { nextReloadState, PENDING, RELOAD_STATES } from './reload-attempt';

const bounds = { minCents: 500, maxCents: 1_000_000 };
const cents = (n: number) => centsToUsd(n);

describe('the size of a reload', () => {
  const size = (threshold: number, amount: number, balance: number, left: number | null = null) => {
    const sized = sizeOf(
      { threshold: cents(threshold), amount: cents(amount) },
      cents(balance),
      left === null ? null : cents(left),
      bounds,
    );
    return 'charge' in sized ? Number(sized.charge.atoms / 10_000_000n) : sized.none;
  };

  it.each([
    [1000, 500, 1000, null, 'enough'],
    [1000, 500, 999, null, 500],
    [1000, 500, 500, null, 500],
    [1000, 500, 499, null, 1000],
    [1000, 500, -1300, null, 2500],
    [1000, 500, 0, 700, 700],
    [1000, 500, 0, 499, 'cap_reached'],
    [1000, 500, 0, 0, 'cap_reached'],
    [100_000_000, 500, 0, null, 1_000_000],
  ])('to %i by %i from %i with %p left is %p', (threshold, amount, balance, left, expected) => {
    expect(size(threshold, amount, balance, left)).toBe(expected);
  });

  it('is whole cents, however finely calls are charged', () => {
    const left = usd(7_123_456_789n);
    expect(sizeOf({ threshold: cents(1000), amount: cents(1000) }, usd(1n), left, bounds)).toEqual({
      charge: cents(712),
    });
  });

  it('closes the gap with less than one amount to spare, or is bounded', () => {
    const amounts = fc.integer({ min: 500, max: 5000 });
    fc.assert(
      fc.property(amounts, fc.integer({ min: 0, max: 50_000 }), fc.bigInt(-(10n ** 12n), 10n ** 12n), (a, t, b) => {
        const sized = sizeOf({ threshold: cents(t), amount: cents(a) }, usd(b), null, bounds);
        if (!('charge' in sized)) return expect(b).toBeGreaterThanOrEqual(cents(t).atoms);
        const after = b + sized.charge.atoms - cents(t).atoms;
        expect(sized.charge.atoms === cents(bounds.maxCents).atoms || (after >= 0n && after < cents(a).atoms)).toBe(
          true,
        );
      }),
    );
  });
});

describe('what caps leave', () => {
  const terms = { enabled: true, threshold: cents(0), amount: cents(500) };
  const charged = { day: cents(600), month: cents(2000) };

  it('is the smaller of day and month, never below nothing', () => {
    expect(leftOf({ ...terms, dayCap: null, monthCap: null }, charged)).toBeNull();
    expect(leftOf({ ...terms, dayCap: cents(1000), monthCap: null }, charged)).toEqual(cents(400));
    expect(leftOf({ ...terms, dayCap: cents(1000), monthCap: cents(2100) }, charged)).toEqual(cents(100));
    expect(leftOf({ ...terms, dayCap: null, monthCap: cents(1900) }, charged)).toEqual(usd(0n));
  });

  it('rests are longer with each failure', () => {
    expect([1, 2, 3, 4, 5].map((n) => restSeconds(n) / 3600)).toEqual([1, 6, 24, 72, 72]);
  });
});

describe('a decline', () => {
  it.each([
    ['insufficient_funds', null, 'soft'],
    ['generic_decline', null, 'soft'],
    ['a_code_of_next_year', null, 'soft'],
    ['processing_error', 'try_again_later', 'soft'],
    ['lost_card', 'try_again_later', 'soft'],
    ['generic_decline', 'do_not_try_again', 'hard'],
    ['incorrect_cvc', 'confirm_card_data', 'hard'],
    ['stolen_card', null, 'hard'],
    ['expired_card', null, 'hard'],
  ] as const)('%s with advice %p is %s', (declineCode, adviceCode, expected) => {
    expect(declineClass({ declineCode, adviceCode })).toBe(expected);
  });
});

describe('an attempt', () => {
  it('that has succeeded stays so, whatever arrives late', () => {
    expect(nextReloadState('succeeded', 'declined')).toBeUndefined();
    expect(nextReloadState('succeeded', 'succeeded')).toBeUndefined();
  });

  it.each(RELOAD_STATES.filter((state) => state !== 'succeeded'))('in %s takes money when it comes', (state) => {
    expect(nextReloadState(state, 'succeeded')).toBe('succeeded');
  });

  it('waits for its page without being declined by old news', () => {
    expect(nextReloadState('needs_authentication', 'declined')).toBeUndefined();
    expect(nextReloadState('needs_authentication', 'link_expired')).toBe('failed');
  });

  it('is pending until it has succeeded or failed', () => {
    expect(PENDING).toEqual(['planned', 'charging', 'in_doubt', 'processing', 'needs_authentication']);
  });
});
