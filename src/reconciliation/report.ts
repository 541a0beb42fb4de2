import type { AssetCode } from '../common/asset';
import type { BalanceComparison, SideName } from '../common/reconciliation-side';
import type { Discrepancy } from './discrepancy';
import { SIDE_NAMES, type SideOutcome } from './reconciliation-run';

/** How the books stand against everybody else who counts our money, from the newest runs. */
export interface Report {
  readonly takenAt: Date;
  readonly verdict: Verdict;
  readonly sides: readonly SideReportPart[];
  /** Open ones, oldest first. */
  readonly open: readonly Discrepancy[];
  /** Resolved ones that are still found: what was waived is still a difference. */
  readonly waived: readonly Discrepancy[];
}

/** `unasked`: some side was never asked. `failed`: some side could not be asked the last time. */
export type Verdict = 'clean' | 'open' | 'failed' | 'unasked';

export interface SideReportPart {
  readonly side: SideName;
  /** The last time that it could be asked. */
  readonly asked: SideOutcome | undefined;
  /** That it could not be asked since then. */
  readonly failed: SideOutcome | undefined;
  /** It was not configured the last time. */
  readonly isSkipped: boolean;
  readonly totals: readonly SideTotal[];
}

/** All balances of one side in one asset: what explains that they differ, in atoms. */
export interface SideTotal {
  readonly asset: AssetCode;
  /** What the other side has more than the books. */
  readonly difference: bigint;
  /** Of that, what open discrepancies are about. */
  readonly open: bigint;
  /** Of that, what was waived. */
  readonly waived: bigint;
  /** What was moved by resolutions after the balances were compared. */
  readonly resolvedSince: bigint;
  /** What nobody can tell the cause of: zero, or a run has overlooked something. */
  readonly unexplained: bigint;
}

export interface ReportFacts {
  readonly takenAt: Date;
  /** The newest one of each side and state. */
  readonly outcomes: readonly SideOutcome[];
  readonly open: readonly Discrepancy[];
  readonly waived: readonly Discrepancy[];
  /** Resolved with an entry. */
  readonly resolved: readonly Discrepancy[];
}

/** @param names The sides that it is about. */
export function reportOf(facts: ReportFacts, names: readonly SideName[] = SIDE_NAMES): Report {
  const isNamed = ({ side }: { readonly side: SideName }) => names.includes(side);
  const sides = names.map((side) => partOf(side, facts));
  const [open, waived] = [facts.open.filter(isNamed), facts.waived.filter(isNamed)];
  return { takenAt: facts.takenAt, verdict: verdictOf(sides, open), sides, open, waived };
}

function partOf(side: SideName, { outcomes, open, waived, resolved }: ReportFacts): SideReportPart {
  const newest = (state: SideOutcome['state']) => outcomes.find((one) => one.side === side && one.state === state);
  const [asked, failed, skipped] = [newest('done'), newest('failed'), newest('skipped')];
  const sumOf = (discrepancies: readonly Discrepancy[], asset: AssetCode) =>
    discrepancies
      .filter((one) => one.side === side && one.amount.asset === asset)
      .reduce((sum, { amount }) => sum + amount.atoms, 0n);
  const isNewer = ({ resolution }: Discrepancy) => asked !== undefined && (resolution?.at ?? asked.at) > asked.at;
  const balances = asked?.balances ?? [];
  const assets = new Set([
    ...balances.map(({ ours }) => ours.asset),
    ...open.filter((one) => one.side === side).map(({ amount }) => amount.asset),
  ]);
  const totals = [...assets].map((asset): SideTotal => {
    const difference = balances.reduce((sum, one) => sum + (one.ours.asset === asset ? differenceOf(one) : 0n), 0n);
    const sums = {
      open: sumOf(open, asset),
      waived: sumOf(waived, asset),
      resolvedSince: sumOf(resolved.filter(isNewer), asset),
    };
    return { asset, difference, ...sums, unexplained: difference - sums.open - sums.waived - sums.resolvedSince };
  });
  const isLast = (one: SideOutcome | undefined) =>
    one !== undefined && [asked, failed, skipped].every((other) => other === undefined || other.at <= one.at);
  return { side, asked, failed: isLast(failed) ? failed : undefined, isSkipped: isLast(skipped), totals };
}

function verdictOf(sides: readonly SideReportPart[], open: readonly Discrepancy[]): Verdict {
  if (sides.some(({ failed }) => failed !== undefined)) return 'failed';
  if (sides.some(({ asked, isSkipped }) => asked === undefined && !isSkipped)) return 'unasked';
  return open.length > 0 || sides.some(({ totals }) => totals.some(({ unexplained }) => unexplained !== 0n))
    ? 'open'
    : 'clean';
}

/** What the other side has more, in atoms. @throws Error when two assets are compared */
export function differenceOf({ name, ours, theirs }: BalanceComparison): bigint {
  if (ours.asset !== theirs.asset) throw new Error(`${name} compares ${ours.asset} with ${theirs.asset}.`);
  return theirs.atoms - ours.atoms;
}
