import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ASKED_FOR, handlingOf, likelyCauseOf, ownKindOf } from './movement-kind';

/** The types that the installed package knows, from its own declarations. */
function typesOfStripe(): string[] {
  const path = join(dirname(require.resolve('stripe')), 'resources/BalanceTransactions.d.ts');
  const [, declared = ''] = /type Type = ([^;]+);/.exec(readFileSync(path, 'utf8')) ?? [];
  return [...declared.matchAll(/'(\w+)'/g)].map(([, type]) => type as string);
}

describe('what a movement of Stripe’s balance is', () => {
  it('is told by its type where Stripe does it by itself', () => {
    const types = [
      'stripe_fee',
      'stripe_fx_fee',
      'tax_fee',
      'topup',
      'topup_reversal',
      'reserve_hold',
      'reserved_funds',
    ];
    expect(types.map(ownKindOf)).toEqual([
      ...['stripe_charge', 'stripe_charge', 'stripe_charge', 'stripe_topped_up', 'stripe_topped_up'],
      ...['reserve_moved', 'reserve_moved'],
    ]);
  });

  it('is asked for where somebody caused it, and is for a person where nobody knows', () => {
    for (const type of [
      'charge',
      'payment',
      'refund',
      'refund_failure',
      'adjustment',
      'payout',
      'transfer',
      'constructor',
    ]) {
      expect(ownKindOf(type)).toBeUndefined();
    }
  });

  it('is decided for every type that Stripe has', () => {
    const types = typesOfStripe();
    expect(types.length).toBeGreaterThan(45);
    expect(types.filter((type) => handlingOf(type) === undefined)).toEqual([]);
    expect(types.filter((type) => handlingOf(type) === 'asked_for').toSorted()).toEqual(ASKED_FOR.toSorted());
    expect(handlingOf('what_comes_next')).toBeUndefined();
  });

  it('has a likely cause with something to do, whatever the type', () => {
    expect(likelyCauseOf('payment')).toBe(likelyCauseOf('charge'));
    expect(likelyCauseOf('payment_refund')).toBe(likelyCauseOf('refund'));
    expect(likelyCauseOf('payment_failure_refund')).toMatch(/bank refused a debit/);
    expect(likelyCauseOf('issuing_transaction')).toMatch(/issued cards.*issuing_transaction/);
    for (const type of ['contribution', 'constructor', 'whatever_comes']) expect(likelyCauseOf(type)).toContain(type);
  });
});
