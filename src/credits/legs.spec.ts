import fc from 'fast-check';
import type { CreditGrant } from './grant';
import { chargedTo, type Leg, legsFor } from './legs';

const grant = (id: string, priority: number, remaining = 100n): CreditGrant => ({
  id,
  customerId: 'cus_1',
  class: 'promo',
  origin: 'manual',
  originId: id,
  models: null,
  priority,
  atoms: remaining,
  remaining,
  frozen: 0n,
  frozenBy: null,
  expiresAt: null,
  createdAt: new Date(0),
});
const source = (id: string, priority: number, free: bigint) => ({ grants: [grant(id, priority, free)], free });
const shown = (legs: readonly Leg[]) => legs.map(({ grantId, atoms }) => [grantId, atoms]);

describe('the legs of a call', () => {
  const pool = source('pool', 50, 100n);

  it.each([
    ['before the pool, as far as it reaches', [source('a', 40, 30n)], 50n, [['a', 30n], [null, 20n]]], // prettier-ignore
    ['alone, and the pool is asked for nothing', [source('a', 40, 80n)], 50n, [['a', 50n], [null, 0n]]], // prettier-ignore
    ['after the pool when its turn is later', [source('a', 60, 80n)], 150n, [[null, 100n], ['a', 50n]]], // prettier-ignore
    ['not at all where the pool suffices', [source('a', 60, 80n)], 100n, [[null, 100n]]], // prettier-ignore
    ['in their own order around the pool', [source('b', 60, 9n), source('a', 40, 10n)], 115n, [['a', 10n], [null, 100n], ['b', 5n]]], // prettier-ignore
    ['and what nobody has is asked of the pool', [source('a', 40, 10n)], 200n, [['a', 10n], [null, 190n]]], // prettier-ignore
    ['at most three', [1, 2, 3, 4].map((n) => source(`g${n}`, n, 1n)), 5n, [['g1', 1n], ['g2', 1n], ['g3', 1n], [null, 2n]]], // prettier-ignore
    ['without those of which nothing is free', [source('a', 40, 0n)], 5n, [[null, 5n]]], // prettier-ignore
  ] as const)('come %s', (_, scoped, wanted, legs) => {
    expect(shown(legsFor(wanted, scoped, pool))).toEqual(legs);
  });

  it('come all before a pool in which nothing is left', () => {
    expect(shown(legsFor(7n, [source('a', 90, 5n)], { grants: [], free: 0n }))).toEqual([
      ['a', 5n],
      [null, 2n],
    ]);
  });

  it('add up to what was wanted, and bear a charge to the atom, whatever it is', () => {
    const amount = fc.bigInt(0n, 50n);
    const sources = fc.array(fc.tuple(fc.integer({ min: 1, max: 99 }), amount), { maxLength: 5 });
    fc.assert(
      fc.property(sources, amount, amount, amount, (scoped, free, wanted, charge) => {
        const given = scoped.map(([priority, atoms], n) => source(`g${n}`, priority, atoms));
        const legs = legsFor(wanted, given, source('pool', 50, free));
        const charged = chargedTo(legs, charge);
        const sum = (all: readonly Leg[]) => all.reduce((total, { atoms }) => total + atoms, 0n);
        expect([sum(legs), sum(charged)]).toEqual([wanted, charge]);
        legs.forEach(({ grantId, atoms }, n) => {
          if (grantId !== null) expect(charged[n]?.atoms).toBeLessThanOrEqual(atoms);
        });
      }),
    );
  });
});
