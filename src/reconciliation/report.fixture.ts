import { type Money, usd, usdc } from '../common/money';
import type { SideName } from '../common/reconciliation-side';
import type { Discrepancy, Resolution } from './discrepancy';
import type { SideOutcome } from './reconciliation-run';
import type { ReportFacts } from './report';

export const NOW = new Date('2026-11-23T03:00:00Z');
const COMPARED = new Date('2026-11-23T02:00:00Z');
export const LATER = new Date('2026-11-23T02:30:00Z');

/** Of Stripe, over 25 USD, for three days. */
export const discrepancy = (more: Partial<Discrepancy> = {}): Discrepancy => ({
  ...{ id: 'dis_1', side: 'stripe', kind: 'transaction_unexplained', ref: 'txn_1', amount: usd(25_000_000_000n) },
  ...{
    account: 'stripe:clearing',
    standingEntry: null,
    customerId: null,
    suggestedCause: 'A charge made by hand.',
    state: 'open',
    times: 1,
    resolution: null,
  },
  since: new Date('2026-11-20T00:00:00Z'),
  firstSeen: COMPARED,
  lastSeen: COMPARED,
  ...more,
});

export const resolved = (entry: Resolution['entry'], at = LATER): Discrepancy =>
  discrepancy({ state: 'resolved', resolution: { at, by: 'Ada', reason: 'It was a test.', entry } });

export const outcome = (side: SideName, balances: [string, Money, Money][] = []): SideOutcome => ({
  ...{ side, state: 'done', counts: { transactions: 3 }, found: 0, error: null, at: COMPARED },
  balances: balances.map(([name, ours, theirs]) => ({ name, ours, theirs })),
});

export const failure = (side: SideName, at: Date): SideOutcome => ({
  ...{ side, state: 'failed', counts: {}, balances: [], found: 0, error: 'connection refused', at },
});

export const skip = (side: SideName, at = COMPARED): SideOutcome => ({
  ...{ side, state: 'skipped', counts: {}, balances: [], found: 0, error: null, at },
});

/** Stripe has 25 USD more than the books; the other sides agree. */
export const facts = (more: Partial<ReportFacts> = {}): ReportFacts => ({
  takenAt: NOW,
  outcomes: [
    outcome('stripe', [['stripe:clearing', usd(100_000_000_000n), usd(125_000_000_000n)]]),
    outcome('chain', [['eip155:8453 USDC', usdc(7n), usdc(7n)]]),
    outcome('books'),
  ],
  open: [],
  waived: [],
  resolved: [],
  ...more,
});
