import type { Money } from '../common/money';
import type { Finding, SideName } from '../common/reconciliation-side';

/** Something that does not match, from the first run that found it until it is explained or resolved. */
export interface Discrepancy {
  readonly id: string;
  readonly side: SideName;
  readonly kind: string;
  readonly ref: string;
  /** What the other side has more than the books (negative: less). */
  readonly amount: Money;
  /** The account that an entry has to move to settle it; `null`: no entry does. */
  readonly account: string | null;
  /** An entry of an earlier resolution that still stands, though this opened anew: it is taken back before anything else. */
  readonly standingEntry: bigint | null;
  readonly customerId: string | null;
  readonly suggestedCause: string;
  readonly state: DiscrepancyState;
  /** When it came to be, at the other side. */
  readonly since: Date;
  readonly firstSeen: Date;
  readonly lastSeen: Date;
  /** How often it was opened: 1, unless it came back. */
  readonly times: number;
  readonly resolution: Resolution | null;
}

/** How a person has settled it. */
export interface Resolution {
  readonly at: Date;
  readonly by: string;
  readonly reason: string;
  /** The movement that explains it; `null` where it was waived: nothing was moved. */
  readonly entry: { readonly id: bigint; readonly from: string; readonly to: string } | null;
}

export const DISCREPANCY_STATES = ['open', 'resolved', 'vanished'] as const;
/** `vanished`: a later run did not find it any more, so something has explained it. */
export type DiscrepancyState = (typeof DISCREPANCY_STATES)[number];

/** What a run saw of a discrepancy that was known. */
export type Sight = 'same' | 'changed' | 'gone';

/** What it is after a run. A resolution holds for what was resolved, and for nothing else. */
export const AFTER_RUN: Readonly<Record<DiscrepancyState, Readonly<Record<Sight, DiscrepancyState>>>> = {
  open: { same: 'open', changed: 'open', gone: 'vanished' },
  resolved: { same: 'resolved', changed: 'open', gone: 'resolved' },
  vanished: { same: 'open', changed: 'open', gone: 'vanished' },
};

/** What has to be known to judge what was seen again. */
export interface Known {
  readonly amount: Money;
  /** A run did not find it since it was resolved: what is found now is something new. */
  readonly wasGone: boolean;
  /** The entry that resolved it was corrected. */
  readonly takenBack: boolean;
}

/** @param finding What the run found under the same kind and ref, if anything. */
export function sightOf(known: Known, finding: Pick<Finding, 'amount'> | undefined): Sight {
  if (finding === undefined) return 'gone';
  const isSame = finding.amount.asset === known.amount.asset && finding.amount.atoms === known.amount.atoms;
  return isSame && !known.wasGone && !known.takenBack ? 'same' : 'changed';
}

/** @throws Error when a side tells of one thing twice: nobody could say which of them was resolved. */
export function byKindAndRef(side: SideName, findings: readonly Finding[]): ReadonlyMap<string, Finding> {
  const found = new Map<string, Finding>();
  for (const finding of findings) {
    const name = nameOf(finding);
    if (found.has(name)) throw new Error(`The side ${side} tells twice of ${name}.`);
    found.set(name, finding);
  }
  return found;
}

export const nameOf = ({ kind, ref }: Pick<Finding, 'kind' | 'ref'>): string => `${kind} ${ref}`;

const A_DAY_MS = 86_400_000;

/** Whole days since it came to be. */
export const ageInDays = ({ since }: Pick<Discrepancy, 'since'>, now: Date): number =>
  Math.max(0, Math.floor((now.getTime() - since.getTime()) / A_DAY_MS));
