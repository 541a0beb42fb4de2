import type { Money } from '../common/money';
import { positive } from './entries';
import type { JournalEntry } from './journal-entry';
import { breakage, type LedgerAccount, promoExpense, refundsGiven } from './ledger-account';

/* Movements of credit that no payment and no call makes. In USD. */

/**
 * Credit without a payment: promotional credit is an expense; paid credit is what a customer had paid for calls that
 * should have cost less.
 */
export function grantGiven(grant: {
  /** What gives it, such as `code:<code>:<customer>`: it gives once. */
  because: string;
  /** Where the credit is to be. */
  account: LedgerAccount;
  class: 'paid' | 'promo';
  amount: Money;
  reason: string;
}): JournalEntry {
  const { because, account, amount, reason } = grant;
  return {
    key: `grant:${because}`,
    kind: 'grant_given',
    customerId: account.customerId,
    memo: { reason },
    postings: positive({ from: giverOf(grant.class), to: account, amount }),
  };
}

/** What is left of a grant goes back to where it came from. */
export function grantVoided(grant: {
  grantId: string;
  /** Where the credit is. */
  account: LedgerAccount;
  class: 'paid' | 'promo';
  amount: Money;
  reason: string;
}): JournalEntry {
  const { grantId, account, amount, reason } = grant;
  return {
    key: `grant-void:${grantId}`,
    kind: 'grant_voided',
    customerId: account.customerId,
    memo: { grant: grantId, reason },
    postings: positive({ from: account, to: giverOf(grant.class), amount }),
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
  /** Where the credit is. */
  account: LedgerAccount;
  class: 'paid' | 'promo';
  amount: Money;
  expiredAt: Date;
}): JournalEntry {
  const { grantId, times, account, amount, expiredAt } = expiry;
  return {
    key: `grant-expired:${grantId}:${times}`,
    kind: 'grant_expired',
    customerId: account.customerId,
    memo: { grant: grantId },
    effectiveAt: expiredAt,
    postings: positive({
      from: account,
      to: expiry.class === 'paid' ? breakage() : promoExpense(),
      amount,
    }),
  };
}

/** Whose loss credit is that nobody pays for now. */
export const giverOf = (grantClass: 'paid' | 'promo'): LedgerAccount =>
  grantClass === 'paid' ? refundsGiven('USD') : promoExpense();
