import { Injectable } from '@nestjs/common';

/** Counts what this process is busy with, and knows whether it takes further calls. */
@Injectable()
export class RunningCalls {
  private isDraining = false;
  private running = 0;
  private readonly waiting = new Set<() => void>();

  /** Whether the process is ending. */
  get draining(): boolean {
    return this.isDraining;
  }

  /** Counts one in; the answer counts it out again and is safe to repeat. */
  begin(): () => void {
    this.running += 1;
    let ended = false;
    return () => {
      if (ended) return;
      ended = true;
      this.running -= 1;
      if (this.running === 0) for (const resume of this.waiting) resume();
    };
  }

  /** From now on no further call is taken. Resolves when the last has ended: `true`, or after `graceMs`: `false`. */
  async drain(graceMs: number): Promise<boolean> {
    this.isDraining = true;
    if (this.running === 0) return true;
    return new Promise<boolean>((resolve) => {
      const settle = (ended: boolean) => {
        clearTimeout(timer);
        this.waiting.delete(done);
        resolve(ended);
      };
      const done = () => settle(true);
      const timer = setTimeout(() => settle(false), graceMs);
      this.waiting.add(done);
    });
  }
}
