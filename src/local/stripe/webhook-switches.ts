/** How webhooks travel; tests use these to prove that a receiver survives what Stripe may do. */
export interface WebhookSwitches {
  /** Extra copies of every webhook. */
  duplicate: number;
  /** Gathers webhooks for a moment and sends them in another order than they happened in. */
  shuffle: boolean;
  /** Wait before the first attempt. */
  delayMs: number;
  /** Nothing is sent until unpaused or flushed. */
  paused: boolean;
  /** Types of events that get lost on the way, `*` for all: only the events list tells of them. */
  drop: string[];
}

export const UNTOUCHED: WebhookSwitches = { duplicate: 0, shuffle: false, delayMs: 0, paused: false, drop: [] };

/** Another order for certain, where there are two or more: tests may rely on it. Neighbours keep no order either. */
export function reordered<T>(items: T[]): T[] {
  const odd = items.filter((_, index) => index % 2 === 1);
  const even = items.filter((_, index) => index % 2 === 0);
  return [...odd.toReversed(), ...even.toReversed()];
}
