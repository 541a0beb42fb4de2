import type { ChainHead } from './chain-head';

/** The outcome of proving the books: every check, also those that passed, so that a reader sees what was proved. */
export interface VerificationReport {
  readonly ok: boolean;
  /** The instant whose books these are. */
  readonly takenAt: string;
  /** The newest link of the chain at that instant; `null` on books without an entry. */
  readonly head: ChainHead | null;
  /** The link from which an interrupted run went on; `null` when everything was walked in one go. */
  readonly resumedAt: string | null;
  readonly checks: readonly Check[];
}

export interface Check {
  readonly name: CheckName;
  /** What holds when it passes, in a sentence. */
  readonly claim: string;
  /** What to do when it does not pass. */
  readonly remedy: string;
  readonly ok: boolean;
  /** How many rows or accounts were looked at. */
  readonly checked: number;
  /** The first `MAX_FAULTS` of them. */
  readonly faults: readonly Fault[];
}

export interface Fault {
  /** What is wrong: an account, an entry, a call. */
  readonly subject: string;
  readonly expected: string;
  readonly found: string;
}

/** `done` and `total` count links of the chain while `step` is `chain`, and steps that are left after it. */
export interface VerificationProgress {
  readonly step: string;
  readonly done: number;
  readonly total: number;
  /** Journal entries that were read so far. */
  readonly entries: number;
}

/** Enough to see what kind of fault it is. The report stays small, however broken the books are. */
export const MAX_FAULTS = 20;

const BACKUP = 'Compare with a backup of before, and find who connected as the owner of the tables.';
const RESTORE = `Nobody but the owner of the tables can have done that. ${BACKUP}`;
const WITH_POSTINGS =
  'The postings are what counts, if the chain holds. Stop the service, and correct the other side as the owner.';

/** What holds when a check passes, and what to do when it does not. */
const CLAIMS = {
  known_heads: [
    'The heads that were given are still in the chain.',
    `Entries from before the head were rewritten. ${RESTORE}`,
  ],
  hash_chain: ['Each link of the chain follows from the one before it and the digest of its flush.', RESTORE],
  flush_digests: [
    'The postings of each flush are those that its digest was made of.',
    `Postings were altered, added or deleted. ${RESTORE}`,
  ],
  zero_sum: ['The balances of all accounts add up to zero in each asset.', WITH_POSTINGS],
  account_balances: ['Each account has received and given exactly what its postings say.', WITH_POSTINGS],
  running_balances: ['The balances that the postings carry follow each other without a gap.', RESTORE],
  assets_apart: ['No posting touches an account of another asset.', RESTORE],
  held_amounts: [
    'What is held of an account is the sum of its open holds.',
    'Stop the service, and compare with the calls that are in flight.',
  ],
  guarded_accounts: [
    'No guarded account is below its credit limit, zero for most, also after its holds.',
    WITH_POSTINGS,
  ],
  postings_and_flushes: [
    'Each posting belongs to one flush, each flush to one link.',
    `Something was added beside the chain. ${RESTORE}`,
  ],
  keys_and_entries: [
    'Each entry has its own key, or the hold that it captured.',
    `A repeated payment might be posted twice. ${RESTORE}`,
  ],
  usage_and_entries: [
    'Each charged call is revenue of one entry: same asset, same atoms, same customer.',
    `Exports and invoices differ from the books. ${BACKUP}`,
  ],
  usage_and_invoices: ['Each charged call has its invoice.', `Exports and invoices differ. ${BACKUP}`],
  usage_and_revenue: [
    'Usage and revenue add up to the same atoms in each asset.',
    'See the faults of usage_and_entries.',
  ],
} as const;

export type CheckName = keyof typeof CLAIMS;

/** A check that passes when it found nothing wrong. */
export function check(name: CheckName, checked: number, faults: readonly Fault[]): Check {
  const [claim, remedy] = CLAIMS[name];
  return { name, claim, remedy, ok: faults.length === 0, checked, faults: faults.slice(0, MAX_FAULTS) };
}

/** Sums per asset, added up over the partitions. */
export class AssetSums {
  private readonly sums = new Map<string, bigint>();

  add(asset: string, atoms: bigint): void {
    this.sums.set(asset, this.of(asset) + atoms);
  }

  of(asset: string): bigint {
    return this.sums.get(asset) ?? 0n;
  }

  get assets(): string[] {
    return [...this.sums.keys()];
  }
}

/** Asset by asset, where sums that must be equal are not. */
export function unequalSums(named: Readonly<Record<string, AssetSums>>): Fault[] {
  const sums = Object.entries(named);
  const assets = [...new Set(sums.flatMap(([, sum]) => sum.assets))].toSorted();
  const [first] = sums;
  if (!first) return [];
  return assets.flatMap((asset) =>
    sums
      .slice(1)
      .filter(([, sum]) => sum.of(asset) !== first[1].of(asset))
      .map(([name, sum]) => ({
        subject: `${asset}: ${first[0]} and ${name}`,
        expected: `${first[1].of(asset)} atoms`,
        found: `${sum.of(asset)} atoms`,
      })),
  );
}
