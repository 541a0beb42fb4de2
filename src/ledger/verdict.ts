import type { Money } from '../common/money';

/** What the ledger decided about one operation. A refusal is a value: it is expected, and it changed nothing. */
export type HoldVerdict =
  | {
      readonly verdict: 'held';
      /** Of each budget counter named, in their order: what is spent and held of it now, this hold included. Left out for none. */
      readonly used?: readonly bigint[];
    }
  | { readonly verdict: 'replayed' }
  | { readonly verdict: 'insufficient'; readonly available: Money; readonly held: Money }
  | { readonly verdict: 'frozen' }
  /** Credit of the account has expired, and that is to be booked first. */
  | { readonly verdict: 'expiry_due' }
  | { readonly verdict: 'budget_exceeded' }
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

/** What `ledger_flush` answers: one letter per operation, three comma-separated lists beside them, and a list of lists. */
export interface FlushAnswer {
  readonly verdicts: string;
  readonly entries: string;
  readonly available: string;
  readonly held: string;
  readonly used: string;
}

/** The verdict on one operation, as the database gave it. Atoms are decimal strings, empty where there are none. */
export interface RawVerdict {
  readonly verdict: keyof typeof VERDICTS;
  readonly entry: string;
  readonly available: string;
  readonly held: string;
  /** Of each budget counter of a hold, comma-separated. */
  readonly used: string;
}

/** The letters of the database function. */
export const VERDICTS = {
  H: 'held',
  R: 'released',
  P: 'posted',
  A: 'replayed',
  I: 'insufficient',
  F: 'frozen',
  E: 'expiry_due',
  B: 'budget_exceeded',
  K: 'key_conflict',
  c: 'captured',
  r: 'released',
  x: 'expired',
  n: 'unknown',
} as const;

export function readVerdicts(answer: FlushAnswer | undefined): RawVerdict[] {
  if (answer === undefined) return [];
  const entries = answer.entries.split(',');
  const available = answer.available.split(',');
  const held = answer.held.split(',');
  const used = answer.used.split(';');
  return Array.from(answer.verdicts, (letter, index) => ({
    verdict: letter as RawVerdict['verdict'],
    entry: entries[index] ?? '',
    available: available[index] ?? '',
    held: held[index] ?? '',
    used: used[index] ?? '',
  }));
}
