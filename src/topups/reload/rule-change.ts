import type { AutoReloadState } from './auto-reload';

/** What happens to a rule, apart from its terms; what is left out stays. */
export interface RuleChange {
  readonly state?: AutoReloadState;
  readonly reason?: string | null;
  readonly failures?: number;
  readonly refusedFingerprint?: string | null;
  readonly nextTryAt?: Date | null;
}

/** Another card may be charged: what was refused is not forgotten, nor how often, so that no old card is tried again. */
export const RESUMED_BY_CARD = { state: 'active', reason: null, nextTryAt: null } as const;

/** Nothing stands in the way any more. */
export const RESUMED = {
  state: 'active',
  reason: null,
  failures: 0,
  refusedFingerprint: null,
  nextTryAt: null,
} as const;
