import fc from 'fast-check';
import { allocate, sumOf, withoutShares } from './allocation';
import { type CreditGrant, inOrderOfUse, usable } from './grant';

const grant = (id: string, more: Partial<CreditGrant> = {}): CreditGrant => ({
  id,
  customerId: 'cus_1',
  class: 'paid',
  origin: 'topup',
  originId: id,
  models: null,
  priority: 50,
  atoms: 100n,
  remaining: 100n,
  frozen: 0n,
  frozenBy: null,
  expiresAt: null,
  createdAt: new Date('2026-01-01'),
  ...more,
});

const ids = (grants: readonly CreditGrant[]) => grants.map(({ id }) => id).join(' ');

describe('the order of use', () => {
  it('is priority, then expiry, then age', () => {
    const order = inOrderOfUse([
      grant('older', { createdAt: new Date('2025-01-01') }),
      grant('promo', { priority: 40 }),
      grant('soon', { expiresAt: new Date('2026-03-01') }),
      grant('later', { expiresAt: new Date('2027-03-01') }),
      grant('promo-that-ends', { priority: 40, expiresAt: new Date('2030-01-01') }),
    ]);
    expect(ids(order)).toBe('promo-that-ends promo soon later older');
  });

  it('is the same for grants of one instant, however they are listed', () => {
    const grants = ['b', 'c', 'a'].map((id) => grant(id));
    expect(ids(inOrderOfUse(grants))).toBe('a b c');
    expect(ids(inOrderOfUse(grants.toReversed()))).toBe('a b c');
  });
});

describe('an allocation', () => {
  const grants = fc.array(
    fc.record({ remaining: fc.bigInt(0n, 50n), frozen: fc.bigInt(0n, 50n) }).map(({ remaining, frozen }) => ({
      remaining: remaining + frozen,
      frozen,
    })),
    { maxLength: 6 },
  );

  it('takes all that is asked for or all that may be used, and nothing twice', () => {
    fc.assert(
      fc.property(grants, fc.bigInt(0n, 200n), (list, atoms) => {
        const pool = list.map((more, index) => grant(`g${index}`, more));
        const { shares, left } = allocate(pool, atoms);
        const free = pool.reduce((sum, each) => sum + usable(each), 0n);
        expect(sumOf(shares) + left).toBe(atoms);
        expect(left).toBe(atoms > free ? atoms - free : 0n);
        expect(withoutShares(pool, shares).every((each) => usable(each) >= 0n)).toBe(true);
      }),
    );
  });

  it('empties a grant before it touches the next, and in two steps takes the same as in one', () => {
    fc.assert(
      fc.property(grants, fc.bigInt(0n, 100n), fc.bigInt(0n, 100n), (list, first, second) => {
        const pool = list.map((more, index) => grant(`g${index}`, more));
        const one = withoutShares(pool, allocate(pool, first).shares);
        const left = allocate(pool, first).left;
        const two = withoutShares(one, allocate(one, second).shares);
        expect(two).toEqual(withoutShares(pool, allocate(pool, first + second).shares));
        expect(left + allocate(one, second).left).toBe(allocate(pool, first + second).left);
        const touched = two.findLastIndex((each, index) => each.remaining < (pool[index]?.remaining ?? 0n));
        expect(two.slice(0, Math.max(touched, 0)).every((each) => usable(each) === 0n)).toBe(true);
      }),
    );
  });
});
