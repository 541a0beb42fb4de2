import type { BatcherOptions } from '../common/batcher';
import { isLostRace, isOutage } from '../common/outage';

/** For statements that lock rows: beside one that waits for a row somebody else has locked, the others go on. */
export const HELD_UP_BY_NOBODY = {
  patienceMs: 250,
  triedAlone: (error) => !isOutage(error) || isLostRace(error),
} satisfies Partial<BatcherOptions<never>>;
