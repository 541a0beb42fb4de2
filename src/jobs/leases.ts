import { setTimeout as sleep } from 'node:timers/promises';

/**
 * What this process works on. Leases are renewed for as long as the work takes: it may take as long as it likes, and
 * that of a process that died is free again soon.
 */
export class Leases<Work extends { readonly claim: string }> {
  private readonly held = new Map<Work, Promise<void>>();
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly everyMs: number,
    /** Must not throw. */
    private readonly renew: (held: readonly Work[]) => Promise<void>,
  ) {}

  get count(): number {
    return this.held.size;
  }

  /** Holds the lease of `work` until `end`, which must not throw. */
  async holdUntil(work: Work, end: Promise<unknown>): Promise<void> {
    const released = this.releaseAfter(work, end);
    this.held.set(work, released);
    this.timer ??= setInterval(() => void this.renew([...this.held.keys()]), this.everyMs).unref();
    await released;
  }

  /** Waits until nothing is held, at most `graceMs`, and renews nothing after that. @returns what is held still. */
  async drain(graceMs: number): Promise<Work[]> {
    const patience = new AbortController();
    const late = sleep(graceMs, undefined, { signal: patience.signal, ref: false }).catch(() => undefined);
    await Promise.race([Promise.all(this.held.values()), late]);
    patience.abort();
    clearInterval(this.timer);
    return [...this.held.keys()];
  }

  private async releaseAfter(work: Work, end: Promise<unknown>): Promise<void> {
    await end;
    this.held.delete(work);
    if (this.held.size > 0) return;
    clearInterval(this.timer);
    this.timer = undefined;
  }
}
