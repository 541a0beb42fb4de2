import { newId } from '../../common/id';
import type { NewJob } from '../../jobs/job';

export const FREEZE_REST = 'freeze-rest';
/** Calls end within seconds, most of them. */
const AFTER_SECONDS = 6;

export interface FreezeRestPayload {
  readonly paymentIntentId: string;
}

/** Calls in flight use what should wait: whatever they leave of it is put aside when they have ended. */
export const freezeRestJob = (paymentIntentId: string): NewJob => ({
  name: FREEZE_REST,
  // Never one that was used: the job that runs asks for the next one, and a job with its own id would not be written.
  id: `${FREEZE_REST}:${paymentIntentId}:${newId()}`,
  payload: { paymentIntentId } satisfies FreezeRestPayload,
  afterSeconds: AFTER_SECONDS,
});
