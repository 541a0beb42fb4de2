import type { Money } from '../common/money';
import type { JournalEntry } from './journal-entry';
import type { LedgerAccount } from './ledger-account';

/** An operator explains a difference between the books and whoever else counts our money, by hand and with a reason. */
export function discrepancyResolved(resolution: {
  discrepancyId: string;
  /** Whose side, and what it is about there. */
  side: string;
  ref: string;
  /** How often it was opened: what comes back is resolved by an entry of its own. */
  times: number;
  from: LedgerAccount;
  to: LedgerAccount;
  amount: Money;
  reason: string;
  by: string;
}): JournalEntry {
  const { discrepancyId, times, side, ref, from, to, amount, reason, by } = resolution;
  return {
    key: `discrepancy:${discrepancyId}:${times}`,
    kind: 'discrepancy_resolved',
    customerId: null,
    memo: { discrepancy: discrepancyId, side, ref, reason, by },
    postings: [{ from, to, amount }],
  };
}
