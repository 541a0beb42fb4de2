import { likelyCauseOf, ownKindOf } from './movement-kind';

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

  it('has a likely cause with something to do, whatever the type', () => {
    expect(likelyCauseOf('payment')).toBe(likelyCauseOf('charge'));
    expect(likelyCauseOf('payment_refund')).toBe(likelyCauseOf('refund'));
    expect(likelyCauseOf('payment_failure_refund')).toMatch(/bank took back a debit/);
    for (const type of ['contribution', 'constructor', 'whatever_comes']) expect(likelyCauseOf(type)).toContain(type);
  });
});
