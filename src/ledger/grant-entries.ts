import type { Money } from '../common/money';
import { positive } from './entries';
import type { JournalEntry } from './journal-entry';
import { breakage, customerCredits, promoExpense } from './ledger-account';

/* Movements of credit that no payment and no call makes. In USD. */

/**
 * Credit ended unused, at the instant at which it did. What was paid is revenue from breakage; what was given is taken
 * back out of its expense, for it was never money.
 */
export function grantExpired(expiry: {
  grantId: string;
  /** How many times some of it has expired before: what a call in flight held until then ends later. */
  times: number;
  customerId: string;
  class: 'paid' | 'promo';
  amount: Money;
  expiredAt: Date;
}): JournalEntry {
  const { grantId, times, customerId, amount, expiredAt } = expiry;
  return {
    key: `grant-expired:${grantId}:${times}`,
    kind: 'grant_expired',
    customerId,
    memo: { grant: grantId },
    effectiveAt: expiredAt,
    postings: positive({
      from: customerCredits(customerId, 'USD'),
      to: expiry.class === 'paid' ? breakage() : promoExpense(),
      amount,
    }),
  };
}
