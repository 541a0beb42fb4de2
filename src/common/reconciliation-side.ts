import type { Money } from './money';

/** Whoever keeps a second record of our money, and can be asked for it: Stripe, a chain, or the books about themselves. */
export interface ReconciliationSide {
  readonly name: SideName;
  /**
   * Whether it can be asked at all. `false`: it is not configured, and nothing on record needs it.
   * @throws Error, with a sentence for the operator, when it is not configured and the books have money of it
   */
  isConfigured(): Promise<boolean>;
  /**
   * Asks for what happened in `window`, brings the books up to it where that needs no judgement, and returns everything
   * that does not match then. Run twice it finds the same; killed in the middle it goes on from where it was.
   * @throws OutageError (or the client's own error) when the other side cannot be asked: nothing is known then.
   */
  reconcile(window: ReconciliationWindow, tell: (progress: string) => void): Promise<SideReport>;
}

export type SideName = 'stripe' | 'chain' | 'books';

/** From (included) until (not included). */
export interface ReconciliationWindow {
  readonly from: Date;
  readonly until: Date;
}

export interface SideReport {
  /** What was looked at: `{transactions: 120, matched: 119, payouts: 2}`. */
  readonly counts: Readonly<Record<string, number>>;
  readonly balances: readonly BalanceComparison[];
  /** Everything that does not match now, in the window or before it; what is no longer here has been explained. */
  readonly findings: readonly Finding[];
}

/** One amount as the books have it, and as the other side has it. */
export interface BalanceComparison {
  readonly name: string;
  readonly ours: Money;
  readonly theirs: Money;
}

/** A check of the books about themselves names so many faults of one kind, and says so. */
export const MOST_LISTED = 100;

/** One thing that does not match. (kind, ref) is the same from run to run for the same thing. */
export interface Finding {
  /** snake_case: `transaction_unexplained`, `unknown_inbound`. */
  readonly kind: string;
  readonly ref: string;
  /** What the other side has more than the books (negative: less). */
  readonly amount: Money;
  /** The account that an entry has to move to settle it. Left out: no entry does, its money is booked or not ours. */
  readonly account?: string;
  readonly customerId?: string;
  /** When it came to be, at the other side. */
  readonly since: Date;
  /** A sentence: what most likely happened, and what to do about it. */
  readonly suggestedCause: string;
}
