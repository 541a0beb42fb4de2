import type { NewJob } from '../../jobs/job';

export const AUTO_RELOAD = 'auto-reload';

/** For more than a day, however short the waits turn out, so that an outcome that nobody knows is found out. */
export const RELOAD_TRIES = 72;

export interface ReloadPayload {
  readonly attemptId: string;
}

/** A card is to be charged. */
export const reloadJob = (attemptId: string): NewJob => ({
  name: AUTO_RELOAD,
  id: `${AUTO_RELOAD}:${attemptId}`,
  payload: { attemptId } satisfies ReloadPayload,
});

/** After what Stripe's answer was written: what it told meanwhile, and nobody could take yet, is asked for again. */
export const reloadLookJob = (attemptId: string): NewJob => ({
  name: AUTO_RELOAD,
  id: `${AUTO_RELOAD}:${attemptId}:look`,
  payload: { attemptId } satisfies ReloadPayload,
  afterSeconds: 60,
});
