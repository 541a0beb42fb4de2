/** What a caller sends is nested this deep at most: what walks it later recurses, and must not run out of stack. */
export const MOST_LEVELS = 256;

/** Whether a value of JSON is nested deeper than so many levels. Recurses no deeper than that itself. */
export function isDeeperThan(levels: number, value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (levels === 0) return true;
  if (Array.isArray(value)) return value.some((part) => isDeeperThan(levels - 1, part));
  return Object.values(value).some((part) => isDeeperThan(levels - 1, part));
}
