/** How often a job is tried when its handler does not say: the last time about four hours after the first. */
export const ATTEMPTS = 15;

const FIRST_SECONDS = 2;
const MOST_SECONDS = 3600;

/**
 * How long a job waits after its `attempt`th failure (1 is the first), in seconds: 2, 4, 8, … up to an hour, of which
 * up to a half is taken off by chance (`random`, 0 to 1), so that what failed together does not return together.
 */
export function backOffSeconds(attempt: number, random = Math.random()): number {
  const whole = Math.min(MOST_SECONDS, FIRST_SECONDS * 2 ** (attempt - 1));
  return whole * (1 - random / 2);
}
