import type { NewJob } from '../../jobs/job';

export const AUTO_RELOAD = 'auto-reload';

export interface ReloadPayload {
  readonly attemptId: string;
}

/** A card is to be charged. */
export const reloadJob = (attemptId: string): NewJob => ({
  name: AUTO_RELOAD,
  id: `${AUTO_RELOAD}:${attemptId}`,
  payload: { attemptId } satisfies ReloadPayload,
});
