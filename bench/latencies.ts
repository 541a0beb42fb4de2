const GROWTH = Math.log(1.01);
const BUCKETS = 2_100; // 1.01^2100 µs are twenty minutes

/** A histogram of durations with an error of one per cent: cheap to record, and small enough to send elsewhere. */
export class Latencies {
  constructor(readonly counts: Uint32Array = new Uint32Array(BUCKETS)) {}

  record(ms: number): void {
    const bucket = Math.min(BUCKETS - 1, Math.max(0, Math.round(Math.log(ms * 1000) / GROWTH)));
    this.counts[bucket] = (this.counts[bucket] ?? 0) + 1;
  }

  static sum(parts: readonly Uint32Array[]): Latencies {
    const sum = new Uint32Array(BUCKETS);
    for (const part of parts) part.forEach((count, bucket) => (sum[bucket] = (sum[bucket] ?? 0) + count));
    return new Latencies(sum);
  }

  /** In milliseconds; zero when nothing was recorded. */
  quantile(quantile: number): number {
    const total = this.counts.reduce((sum, count) => sum + count, 0);
    let seen = 0;
    for (const [bucket, count] of this.counts.entries()) {
      seen += count;
      if (count > 0 && seen >= total * quantile) return Math.exp(bucket * GROWTH) / 1000;
    }
    return 0;
  }
}

export const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length / 2;
  return ((sorted[Math.ceil(half) - 1] ?? 0) + (sorted[Math.floor(half)] ?? 0)) / 2;
};
