/** One piece of work after another for each name, in the order of their coming; different names do not wait. */
export class Turns {
  private readonly last = new Map<string, Promise<unknown>>();

  /** Runs `work` when everybody before it with this name is done, however that ended. */
  take<Result>(name: string, work: () => Promise<Result>): Promise<Result> {
    const turn = (this.last.get(name) ?? Promise.resolve()).then(work, work);
    const over: Promise<void> = turn.then(
      () => this.end(name, over),
      () => this.end(name, over),
    );
    this.last.set(name, over);
    return turn;
  }

  private end(name: string, over: Promise<unknown>): void {
    if (this.last.get(name) === over) this.last.delete(name);
  }
}
