/** In the customer's own calendar. */
export const BUDGET_PERIODS = ['day', 'week', 'month'] as const;
export type BudgetPeriod = (typeof BUDGET_PERIODS)[number];

/** What may be spent in a period, by one key or by all of a customer's keys together. */
export interface Budget {
  readonly id: string;
  /** `null`: all keys together. */
  readonly keyId: string | null;
  readonly period: BudgetPeriod;
  /** In nano-USD, as a decimal string: it travels in JSON. */
  readonly limit: string;
  /** A hard one refuses calls; any other only warns. */
  readonly hard: boolean;
}

/** Credit that pays for calls of these models only. It may be used up meanwhile. */
export interface ScopedGrantHint {
  readonly grantId: string;
  readonly models: readonly string[];
}

/** What a customer has laid down for what its keys spend. */
export interface Spending {
  /** IANA name: where its days, weeks and months begin. */
  readonly timeZone: string;
  readonly budgets: readonly Budget[];
}
