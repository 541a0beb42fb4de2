import { usd, usdc } from '../common/money';
import type { Finding } from '../common/reconciliation-side';
import { AFTER_RUN, ageInDays, byKindAndRef, type Known, sightOf } from './discrepancy';

const known: Known = { amount: usd(5n), wasGone: false, takenBack: false };
const finding: Finding = {
  ...{
    kind: 'transaction_unexplained',
    ref: 'txn_1',
    amount: usd(5n),
    since: new Date(0),
    suggestedCause: 'Nobody knows.',
  },
};

describe('a discrepancy', () => {
  it.each([
    ['same', known, { amount: usd(5n) }],
    ['changed', known, { amount: usd(6n) }],
    ['changed', known, { amount: usdc(5n) }],
    ['changed', { ...known, wasGone: true }, { amount: usd(5n) }],
    ['changed', { ...known, takenBack: true }, { amount: usd(5n) }],
    ['gone', known, undefined],
    ['gone', { ...known, takenBack: true }, undefined],
  ])('is seen as %s (%#)', (sight, before, found) => {
    expect(sightOf(before, found)).toBe(sight);
  });

  it('that was resolved stays so only as long as it is what was resolved', () => {
    expect(AFTER_RUN.resolved).toEqual({ same: 'resolved', changed: 'open', gone: 'resolved' });
  });

  it('vanishes only while it is open, and opens again when it comes back', () => {
    expect([AFTER_RUN.open.gone, AFTER_RUN.vanished.same, AFTER_RUN.vanished.gone]).toEqual([
      'vanished',
      'open',
      'vanished',
    ]);
  });

  it('is told of once by its side', () => {
    const other = { ...finding, ref: 'txn_2' };
    expect([...byKindAndRef('stripe', [finding, other]).values()]).toEqual([finding, other]);
    expect(() => byKindAndRef('stripe', [finding, other, finding])).toThrow('transaction_unexplained txn_1');
  });

  it('is as old as whole days, and never younger than nothing', () => {
    const since = new Date('2026-11-20T12:00:00Z');
    expect(ageInDays({ since }, new Date('2026-11-23T11:59:59Z'))).toBe(2);
    expect(ageInDays({ since }, new Date('2026-11-19'))).toBe(0);
  });
});
