import type { BalanceComparison, ReconciliationWindow, SideName } from '../common/reconciliation-side';

/** In the order in which they are asked: the books last, when the others have brought them up to date. */
export const SIDE_NAMES = ['stripe', 'chain', 'books'] as const satisfies readonly SideName[];

export const RUN_STATES = ['waiting', 'running', 'finished', 'failed', 'interrupted'] as const;
/** `failed`: some side could not be asked. `interrupted`: its process has died, or lost the database. */
export type RunState = (typeof RUN_STATES)[number];

/** One time that the books were compared. */
export interface ReconciliationRun {
  readonly id: string;
  readonly kind: 'asked' | 'nightly';
  /** Of a nightly one, in UTC: `2026-11-23`. */
  readonly day: string | null;
  readonly sides: readonly SideName[];
  readonly window: ReconciliationWindow;
  readonly state: RunState;
  readonly createdAt: Date;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
  readonly outcomes: readonly SideOutcome[];
}

/** What came of asking one side. */
export interface SideOutcome {
  readonly side: SideName;
  /** `skipped`: it is not configured, and the books have nothing of it. */
  readonly state: 'done' | 'failed' | 'skipped';
  readonly counts: Readonly<Record<string, number>>;
  readonly balances: readonly BalanceComparison[];
  /** How many things did not match. */
  readonly found: number;
  /** Why it could not be asked. */
  readonly error: string | null;
  readonly at: Date;
}

const A_DAY_MS = 86_400_000;
/** What was not asked for longer than that is asked for by who names the window. */
const FARTHEST_DAYS = 90;
const NEAREST_DAYS = 7;

/** What a run looks at when nobody says: a week, or everything since the last one that ended well. */
export function usualWindow(now: Date, reconciledUntil: Date | undefined): ReconciliationWindow {
  const ago = (days: number) => now.getTime() - days * A_DAY_MS;
  const from = Math.max(
    Math.min(reconciledUntil?.getTime() ?? ago(FARTHEST_DAYS), ago(NEAREST_DAYS)),
    ago(FARTHEST_DAYS),
  );
  return { from: new Date(from), until: now };
}

/**
 * How far windows reach that leave no gap, each of a run that began `at`: the first of them 90 days back or more, every
 * other one from within what was reached. Nothing is compared before it has happened.
 * @param windows The oldest run first.
 */
export function joined(windows: readonly (ReconciliationWindow & { readonly at: Date })[]): Date | undefined {
  let reached: number | undefined;
  for (const { at, from, until } of windows) {
    const isFirst = from.getTime() <= at.getTime() - FARTHEST_DAYS * A_DAY_MS;
    if (!isFirst && (reached === undefined || from.getTime() > reached)) continue;
    reached = Math.max(reached ?? 0, Math.min(until.getTime(), at.getTime()));
  }
  return reached === undefined ? undefined : new Date(reached);
}

/** The day of an instant, in UTC. */
export const dayOf = (instant: Date): string => instant.toISOString().slice(0, 10);
