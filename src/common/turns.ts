import { within } from './within';

export interface TurnBounds {
  /** So many wait under one name; who comes later is sent away. */
  readonly most: number;
  /** Who has waited this long is sent away. */
  readonly patienceMs: number;
  /** What they are told who are sent away, with so many that wait. */
  readonly refusal: (waiting: number) => Error;
}

/** One piece of work after another for each name, in the order of their coming; different names do not wait. */
export class Turns {
  private readonly last = new Map<string, Promise<unknown>>();
  private readonly waiting = new Map<string, number>();

  constructor(private readonly bounds: TurnBounds) {}

  /**
   * Runs `work` when everybody before it with this name is done, however that ended.
   * @throws what `bounds.refusal` says, and `work` is never run.
   */
  async take<Result>(name: string, work: () => Promise<Result>): Promise<Result> {
    const { most, patienceMs, refusal } = this.bounds;
    const before = this.last.get(name);
    const ahead = this.waiting.get(name) ?? 0;
    if (before !== undefined && ahead >= most) throw refusal(ahead);
    this.waiting.set(name, ahead + 1);
    let over!: () => void;
    const end = new Promise<void>((resolve) => (over = resolve));
    // Also of who was sent away: those behind it wait for those before it.
    const last: Promise<void> = Promise.all([before, end]).then(() => this.end(name, last));
    this.last.set(name, last);
    try {
      if (before !== undefined) await within(patienceMs, before);
    } catch {
      over();
      throw refusal(this.waiting.get(name) ?? 0);
    } finally {
      this.leave(name);
    }
    try {
      return await work();
    } finally {
      over();
    }
  }

  private end(name: string, last: Promise<unknown>): void {
    if (this.last.get(name) === last) this.last.delete(name);
  }

  private leave(name: string): void {
    const left = (this.waiting.get(name) ?? 1) - 1;
    if (left > 0) this.waiting.set(name, left);
    else this.waiting.delete(name);
  }
}
