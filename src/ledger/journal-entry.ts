import { hash } from 'node:crypto';
import type { Money } from '../common/money';
import type { LedgerAccount } from './ledger-account';

/** One movement: `from` is debited, `to` is credited. Both sides are named, so it cannot be unbalanced. */
export interface Posting {
  readonly from: LedgerAccount;
  readonly to: LedgerAccount;
  /** Positive, in the asset of both accounts. */
  readonly amount: Money;
  /** Bears what a guarded `from` cannot; `from` is frozen until it is repaid. Without it the entry is refused. */
  readonly overflow?: LedgerAccount;
}

/** One atomic, keyed set of movements. Immutable once posted; a correction is a new entry that names it. */
export interface JournalEntry {
  /** The client's key: a repeat with the same content returns the first result, other content is refused. */
  readonly key: string;
  readonly kind: string;
  readonly customerId: string | null;
  readonly postings: readonly Posting[];
  /** Where the facts are: ids of payment intents, transactions, calls. Never amounts. */
  readonly memo?: Readonly<Record<string, string>>;
  readonly effectiveAt?: Date;
  readonly corrects?: bigint;
}

/** SHA-256 over what the entry moves, so that a key cannot be used again for something else. */
export function inputHash(entry: JournalEntry): string {
  const movements = entry.postings.map((p) => [p.from.code, p.to.code, p.amount.asset, p.amount.atoms.toString()]);
  return hash('sha256', JSON.stringify([entry.kind, movements])).slice(0, 32);
}
