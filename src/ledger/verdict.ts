import type { Money } from '../common/money';

/** What the ledger decided about one operation. A refusal is a value: it is expected, and it changed nothing. */
export type HoldVerdict =
  | { readonly verdict: 'held' | 'replayed' }
  | { readonly verdict: 'insufficient'; readonly available: Money; readonly held: Money }
  | { readonly verdict: 'frozen' }
  | { readonly verdict: 'key_conflict' };

export type PostVerdict =
  | {
      readonly verdict: 'posted' | 'replayed';
      readonly entryId: string;
      /** What can be spent from the reported account afterwards. */
      readonly balance: Money | undefined;
    }
  | { readonly verdict: 'insufficient'; readonly available: Money }
  | { readonly verdict: 'hold_closed'; readonly state: string | null }
  | { readonly verdict: 'key_conflict' };

export type ReleaseVerdict =
  { readonly verdict: 'released' } | { readonly verdict: 'hold_closed'; readonly state: string | null };

/** One row of the answer of the database function `ledger_flush`. Atoms are decimal strings. */
export interface RawVerdict {
  readonly verdict: string;
  readonly entry?: string;
  readonly balance?: string;
  readonly available?: string;
  readonly held?: string;
  readonly state?: string | null;
}
