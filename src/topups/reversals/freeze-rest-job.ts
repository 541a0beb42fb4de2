import type { NewJob } from '../../jobs/job';

export const FREEZE_REST = 'freeze-rest';
/** Calls end within seconds, most of them. Longer than what shares an id, so that one can follow another. */
const AFTER_SECONDS = 6;
const TOGETHER_MS = 5_000;

export interface FreezeRestPayload {
  readonly paymentIntentId: string;
}

/** Calls in flight use what should wait: whatever they leave of it is put aside when they have ended. */
export const freezeRestJob = (paymentIntentId: string, now = Date.now()): NewJob => ({
  name: FREEZE_REST,
  // Events that arrive together ask for it once.
  id: `${FREEZE_REST}:${paymentIntentId}:${Math.floor(now / TOGETHER_MS)}`,
  payload: { paymentIntentId } satisfies FreezeRestPayload,
  afterSeconds: AFTER_SECONDS,
});
