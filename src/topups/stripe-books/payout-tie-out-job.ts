import type { NewJob } from '../../jobs/job';

export const PAYOUT_TIE_OUT = 'payout-tie-out';

export interface PayoutTieOutPayload {
  readonly payoutId: string;
}

/** What is behind an automatic payout can be listed from now on: too long a list for a webhook to wait for. */
export const payoutTieOutJob = (payoutId: string): NewJob => ({
  name: PAYOUT_TIE_OUT,
  id: `${PAYOUT_TIE_OUT}:${payoutId}`,
  payload: { payoutId } satisfies PayoutTieOutPayload,
});
