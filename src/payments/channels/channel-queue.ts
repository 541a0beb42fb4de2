import { setTimeout as sleep } from 'node:timers/promises';

/** How often the first in line asks again: the others may be at another replica. */
const POLL_MS = 20;

/** Calls of one channel, in the order in which they arrived at this process. */
export class ChannelQueue {
  private readonly lines = new Map<string, Promise<void>>();

  /**
   * Tries until `attempt` gives something, one caller per channel at a time, first come first served. `undefined` when
   * the caller's turn does not come, or does not succeed, in `milliseconds`.
   */
  async inOrder<Result>(
    channelId: string,
    milliseconds: number,
    attempt: () => Promise<Result | undefined>,
  ): Promise<Result | undefined> {
    const deadline = Date.now() + milliseconds;
    const before = this.lines.get(channelId);
    let leave = (): void => undefined;
    const here = new Promise<void>((resolve) => (leave = resolve));
    const line = (before ?? Promise.resolve()).then(() => here);
    this.lines.set(channelId, line);
    try {
      if (before && !(await inTime(before, milliseconds))) return undefined;
      for (;;) {
        const result = await attempt();
        if (result !== undefined || Date.now() >= deadline) return result;
        await sleep(POLL_MS);
      }
    } finally {
      leave();
      if (this.lines.get(channelId) === line) this.lines.delete(channelId);
    }
  }
}

async function inTime(promise: Promise<void>, milliseconds: number): Promise<boolean> {
  const alarm = new AbortController();
  const late = sleep(milliseconds, false, { signal: alarm.signal }).catch(() => false);
  const result = await Promise.race([promise.then(() => true), late]);
  alarm.abort();
  return result;
}
