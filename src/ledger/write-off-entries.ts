import type { Money } from '../common/money';
import type { JournalEntry } from './journal-entry';
import { customerReceivable, writeOff } from './ledger-account';

/** An operator has given up what a customer owes, or a part of it. */
export function receivableWrittenOff(given: {
  key: string;
  customerId: string;
  amount: Money;
  reason: string;
  /** What was asked, by its fingerprint. */
  request?: string | undefined;
}): JournalEntry {
  const { key, customerId, amount, reason, request } = given;
  const { asset } = amount;
  return {
    key,
    kind: 'receivable_written_off',
    customerId,
    memo: { reason, ...(request === undefined ? {} : { request }) },
    postings: [{ from: writeOff(asset), to: customerReceivable(customerId, asset), amount }],
  };
}

/** What had been taken from a customer comes back: the part of it that was given up is owed again, to be repaid from it. */
export function writeOffTakenBack(given: { customerId: string; amount: Money; because: string }): JournalEntry {
  const { customerId, amount, because } = given;
  return {
    key: `write-off-taken-back:${because}`,
    kind: 'write_off_taken_back',
    customerId,
    memo: { because },
    postings: [{ from: customerReceivable(customerId, amount.asset), to: writeOff(amount.asset), amount }],
  };
}
