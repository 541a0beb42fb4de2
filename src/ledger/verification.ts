/** The outcome of proving the books: every check, also those that passed, so that a reader sees what was proved. */
export interface VerificationReport {
  readonly ok: boolean;
  /** The instant whose books these are. */
  readonly takenAt: string;
  readonly checks: readonly Check[];
}

export interface Check {
  readonly name: CheckName;
  /** What holds when it passes, in a sentence. */
  readonly claim: string;
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

export interface VerificationProgress {
  readonly step: string;
  readonly done: number;
  readonly total: number;
}

/** Enough to see what kind of fault it is. The report stays small, however broken the books are. */
export const MAX_FAULTS = 20;

const CLAIMS = {
  zero_sum: 'The balances of all accounts add up to zero in each asset.',
  account_balances: 'Each account has received and given exactly what its postings say.',
  running_balances: 'The balances that the postings carry follow each other without a gap.',
  assets_apart: 'No posting touches an account of another asset.',
  held_amounts: 'What is held of an account is the sum of its open holds.',
  guarded_accounts: 'No guarded account is below zero, also after its holds.',
  keys_and_entries: 'Each key belongs to one entry, each entry to one key, each posting to one entry.',
  usage_and_entries: 'Each charged call is revenue of one entry: same asset, same atoms, same customer.',
  usage_and_invoices: 'Each charged call has its invoice, each invoice its call: same entry, asset, atoms, customer.',
  usage_invoices_revenue: 'Usage, invoices and revenue add up to the same atoms in each asset.',
} as const;

export type CheckName = keyof typeof CLAIMS;

/** A check that passes when it found nothing wrong. */
export function check(name: CheckName, checked: number, faults: readonly Fault[]): Check {
  return { name, claim: CLAIMS[name], ok: faults.length === 0, checked, faults: faults.slice(0, MAX_FAULTS) };
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
