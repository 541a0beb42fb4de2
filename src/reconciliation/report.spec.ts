import { usd, usdc } from '../common/money';
import { discrepancy, facts, failure, LATER, NOW, outcome, resolved, skip } from './report.fixture';
import { differenceOf, reportOf } from './report';

const stripe = (given: Parameters<typeof facts>[0]) => {
  const report = reportOf(facts(given));
  return { verdict: report.verdict, total: report.sides[0]?.totals[0] };
};

describe('a report', () => {
  it('says so when nothing explains a difference', () => {
    expect(stripe({})).toMatchObject({ verdict: 'open', total: { open: 0n, unexplained: 25_000_000_000n } });
  });

  it('ends in zero when an open discrepancy is about it, and is still not clean', () => {
    expect(stripe({ open: [discrepancy()] })).toMatchObject({ verdict: 'open', total: { unexplained: 0n } });
  });

  it('ends in zero and is clean when it was waived', () => {
    const total = { waived: 25_000_000_000n, unexplained: 0n };
    expect(stripe({ waived: [resolved(null)] })).toMatchObject({ verdict: 'clean', total });
  });

  it('counts an entry only as long as the balances were compared before it', () => {
    const entry = { id: 7n, from: 'stripe:clearing', to: 'suspense' };
    expect(stripe({ resolved: [resolved(entry)] })).toMatchObject({ verdict: 'clean', total: { unexplained: 0n } });
    const before = resolved(entry, new Date('2026-11-23T01:00:00Z'));
    expect(stripe({ resolved: [before] })).toMatchObject({ verdict: 'open', total: { resolvedSince: 0n } });
  });

  it('keeps assets apart', () => {
    const both = outcome('chain', [['a', usdc(1n), usdc(2n)]]);
    const report = reportOf(facts({ outcomes: [both], open: [discrepancy({ side: 'chain', amount: usd(3n) })] }), [
      'chain',
    ]);
    expect(report.sides[0]?.totals.map(({ asset, unexplained }) => [asset, unexplained])).toEqual([
      ['USDC', 1n],
      ['USD', -3n],
    ]);
    expect(() => differenceOf({ name: 'a', ours: usd(1n), theirs: usdc(1n) })).toThrow('compares USD with USDC');
  });

  it('has failed when a side could not be asked since it was asked, and keeps what it said then', () => {
    const balanced = outcome('stripe');
    const failed = reportOf(facts({ outcomes: [balanced, failure('stripe', LATER), outcome('books')] }), [
      'stripe',
      'books',
    ]);
    expect(failed.verdict).toBe('failed');
    expect(failed.sides[0]).toMatchObject({ asked: balanced, failed: { error: 'connection refused' } });
    const long = failure('stripe', new Date(0));
    expect(reportOf(facts({ outcomes: [balanced, long] }), ['stripe']).verdict).toBe('clean');
  });

  it('says that a side was never asked, unless it is not about that side', () => {
    const outcomes = [outcome('books')];
    expect(reportOf({ ...facts({ outcomes }), takenAt: NOW }).verdict).toBe('unasked');
    expect(reportOf(facts({ outcomes, open: [discrepancy()] }), ['books'])).toMatchObject({
      verdict: 'clean',
      open: [],
    });
  });

  it('says that a side is not configured, and keeps what it was and what is open of it', () => {
    const never = reportOf(facts({ outcomes: [skip('stripe')] }), ['stripe']);
    expect([never.verdict, never.sides[0]]).toMatchObject(['clean', { asked: undefined, isSkipped: true }]);
    const outcomes = [outcome('stripe'), failure('stripe', LATER), skip('stripe', NOW)];
    const since = reportOf(facts({ outcomes, open: [discrepancy()] }), ['stripe']);
    expect([since.verdict, since.sides[0]]).toMatchObject(['open', { failed: undefined, isSkipped: true }]);
  });
});
