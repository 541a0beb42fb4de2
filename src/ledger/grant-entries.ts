import type { Money } from '../common/money';
import { positive } from './entries';
import type { JournalEntry } from './journal-entry';
import { breakage, customerCredits, type LedgerAccount, promoExpense, refundsGiven } from './ledger-account';

/* Movements of credit that no payment and no call makes. In USD. */

/**
 * Credit without a payment: promotional credit is an expense; paid credit is what a customer had paid for calls that
 * should have cost less.
 */
export function grantGiven(grant: {
  /** What gives it, such as `code:<code>:<customer>`: it gives once. */
  because: string;
  customerId: string;
  class: 'paid' | 'promo';
  amount: Money;
  reason: string;
}): JournalEntry {
  const { because, customerId, amount, reason } = grant;
  return {
    key: `grant:${because}`,
    kind: 'grant_given',
    customerId,
    memo: { reason },
    postings: positive({ from: giverOf(grant.class), to: customerCredits(customerId, 'USD'), amount }),
  };
}

/** What is left of a grant goes back to where it came from. */
export function grantVoided(grant: {
  grantId: string;
  customerId: string;
  class: 'paid' | 'promo';
  amount: Money;
  reason: string;
}): JournalEntry {
  const { grantId, customerId, amount, reason } = grant;
  return {
    key: `grant-void:${grantId}`,
    kind: 'grant_voided',
    customerId,
    memo: { grant: grantId, reason },
    postings: positive({ from: customerCredits(customerId, 'USD'), to: giverOf(grant.class), amount }),
  };
}

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

/** Whose loss credit is that nobody pays for now. */
export const giverOf = (grantClass: 'paid' | 'promo'): LedgerAccount =>
  grantClass === 'paid' ? refundsGiven('USD') : promoExpense();
