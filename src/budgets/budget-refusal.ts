import { formatMoney, type Money, usd } from '../common/money';
import type { Counter, Weight } from './budget-counters.service';

/** Why a budget does not bear a call, for the caller. */
export interface BudgetRefusal {
  readonly code: 'budget_exceeded' | 'budget_in_flight';
  readonly detail: string;
  readonly hint: string;
  /** Seconds after which a repeat can succeed. */
  readonly retryAfter: number;
  readonly members: Readonly<Record<string, string>>;
}

/**
 * Of the hard budgets that cannot bear `wanted`, the one that opens again last: a repeat before that is refused again.
 * When calls in flight hold what is missing, it may be free in a moment. There is no roll-over: what a period leaves
 * unused ends with it.
 */
export function budgetRefusal(
  weights: readonly Weight[],
  counters: readonly Counter[],
  wanted: Money,
  now: Date,
): BudgetRefusal {
  const full = weights
    .map((weight, index) => ({ ...weight, ...(counters[index] ?? { spent: 0n, held: 0n }) }))
    .filter(({ budget, spent, held }) => budget.hard && spent + held + wanted.atoms > BigInt(budget.limit))
    .toSorted((a, b) => b.period.to.getTime() - a.period.to.getTime());
  const spent = full.find((each) => each.spent + wanted.atoms > BigInt(each.budget.limit));
  const [first = spent] = full;
  // Whoever was in the way has finished meanwhile.
  if (!first) return { ...IN_FLIGHT, members: {} };
  const { budget, period, spent: used, held } = spent ?? first;
  const members = {
    budget: budget.id,
    scope: budget.keyId === null ? 'customer' : 'key',
    period: budget.period,
    limit: formatMoney(usd(BigInt(budget.limit))),
    used: formatMoney(usd(used)),
    held: formatMoney(usd(held)),
    required: formatMoney(wanted),
    resetsAt: period.to.toISOString(),
    currency: 'USD',
  };
  if (!spent) return { ...IN_FLIGHT, members };
  return {
    code: 'budget_exceeded',
    detail: `This call needs up to $${members.required}; $${members.used} of the ${members.scope}'s budget of $${members.limit} per ${members.period} are spent.`,
    hint: `The budget begins anew at ${members.resetsAt}; what a period leaves unused is not carried over. Or raise it with PUT /v1/budgets.`,
    retryAfter: Math.max(1, Math.ceil((period.to.getTime() - now.getTime()) / 1000)),
    members,
  };
}

const IN_FLIGHT = {
  code: 'budget_in_flight',
  detail: 'Calls in flight hold what is left of a budget.',
  hint: 'Repeat the request when they have finished.',
  retryAfter: 1,
} as const;

const WARN_FROM_PERCENT = 80n;

/**
 * `key:day:83,customer:month:80`: how much of which budgets is used, the fullest first, from 80 per cent on.
 * @param used Of each weight, what is spent and held, this call included.
 */
export function budgetWarning(weights: readonly Weight[], used: readonly bigint[]): string | undefined {
  const full = weights
    .map(({ budget }, index) => ({ budget, percent: percentOf(used[index] ?? 0n, BigInt(budget.limit)) }))
    .filter(({ percent }) => percent >= WARN_FROM_PERCENT)
    .toSorted((a, b) => Number(b.percent - a.percent));
  if (full.length === 0) return undefined;
  return full
    .map(({ budget, percent }) => `${budget.keyId === null ? 'customer' : 'key'}:${budget.period}:${percent}`)
    .join();
}

/** Whole per cent, rounded down; a limit of nothing is full. */
const percentOf = (used: bigint, limit: bigint): bigint => (limit === 0n ? 100n : (used * 100n) / limit);
