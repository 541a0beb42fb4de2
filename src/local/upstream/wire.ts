import type { ServerResponse } from 'node:http';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Bytes } from './answer';

/** How a call ended: `completed` a whole valid answer left, `aborted` the caller left first, `failed` anything else. */
export type Outcome = 'completed' | 'aborted' | 'failed';

/**
 * Writes a body with respect for back-pressure, and, when asked, in pieces no sane sender would choose: a cut after
 * `dat` of `data:`, inside every multi-byte character, and between the two line feeds that end an event.
 */
export class BodyWriter {
  private carried = Buffer.alloc(0);

  constructor(
    private readonly res: ServerResponse,
    private readonly split: boolean,
  ) {}

  /** `true` at once while the socket has room, else a promise of whether the caller is still there. */
  write(bytes: Bytes): true | Promise<boolean> {
    if (this.split) return this.writeSplit(bytes);
    return this.res.write(bytes, 'latin1') ? true : drained(this.res);
  }

  /** Sends what a split held back. `false` when the caller has gone. */
  flush(): boolean {
    if (gone(this.res)) return false;
    if (this.carried.length > 0) this.res.write(this.carried);
    this.carried = Buffer.alloc(0);
    return true;
  }

  private async writeSplit(text: Bytes): Promise<boolean> {
    const bytes = Buffer.concat([this.carried, Buffer.from(text, 'latin1')]);
    let start = 0;
    for (const end of oddPositions(bytes, this.carried.length)) {
      if (gone(this.res)) return false;
      if (!this.res.write(bytes.subarray(start, end)) && !(await drained(this.res))) return false;
      start = end;
      // A turn of the event loop, or node would join the pieces again.
      await nextTurn();
    }
    this.carried = Buffer.from(bytes.subarray(start));
    return !gone(this.res);
  }
}

/** Waits `ms`; `false` as soon as the caller has gone. */
export function pause(res: ServerResponse, ms: number): Promise<boolean> {
  if (gone(res)) return Promise.resolve(false);
  return new Promise((resolve) => {
    const end = (stayed: boolean): void => {
      clearTimeout(timer);
      res.off('close', leave);
      resolve(stayed);
    };
    const leave = (): void => end(false);
    const timer = setTimeout(() => end(true), ms);
    res.once('close', leave);
  });
}

/** Waits until the caller, or the end of the world, closes the connection. */
export function closed(res: ServerResponse): Promise<void> {
  if (gone(res)) return Promise.resolve();
  return new Promise((resolve) => res.once('close', () => resolve()));
}

/** Ends the response and waits until it has left this process. */
export function finish(res: ServerResponse, body?: string): Promise<Outcome> {
  if (gone(res)) return Promise.resolve('aborted');
  return new Promise((resolve) => {
    const settle = (): void => {
      res.off('finish', settle).off('close', settle);
      resolve(res.writableFinished ? 'completed' : 'aborted');
    };
    res.once('finish', settle).once('close', settle);
    res.end(body);
  });
}

function drained(res: ServerResponse): Promise<boolean> {
  if (gone(res)) return Promise.resolve(false);
  return new Promise((resolve) => {
    const settle = (): void => {
      res.off('drain', settle).off('close', settle);
      resolve(!gone(res));
    };
    res.once('drain', settle).once('close', settle);
  });
}

function gone(res: ServerResponse): boolean {
  return res.destroyed || res.closed;
}

function oddPositions(bytes: Buffer, carried: number): number[] {
  const positions: number[] = [];
  for (let at = carried + 1; at < bytes.length; at++) {
    const insideCharacter = ((bytes[at] ?? 0) & 0xc0) === 0x80;
    if (insideCharacter || at === carried + 3 || at === bytes.length - 1) positions.push(at);
  }
  return positions;
}
