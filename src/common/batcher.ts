export interface BatcherOptions<Item> {
  /** How many from the front of the queue may go together; at least one goes. */
  readonly together: (queue: readonly Item[]) => number;
  /** Whether each of a batch may be tried alone after this error: nothing was done, and one of them may be its cause. */
  readonly triedAlone?: (error: unknown) => boolean;
  /** A batch that is out for longer holds up nobody: the next one leaves beside it. Left out: one at a time. */
  readonly patienceMs?: number;
}

interface Waiting<Item, Result> {
  readonly item: Item;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Group commit: what arrives while one batch is on its way shares the next one. There is no timer: what is alone leaves
 * at the end of the event loop's turn, with whatever came in that turn.
 */
export class Batcher<Item, Result> {
  private waiting: Waiting<Item, Result>[] = [];
  private leaving = false;

  /** @param run Answers every item, in their order. */
  constructor(
    private readonly run: (items: readonly Item[]) => Promise<readonly Result[]>,
    private readonly options: BatcherOptions<Item>,
  ) {}

  /** @throws whatever the batch threw, or the item's own attempt after it. */
  submit(item: Item): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ item, resolve, reject });
      if (this.leaving) return;
      this.leaving = true;
      setImmediate(() => void this.leave());
    });
  }

  private async leave(): Promise<void> {
    while (this.waiting.length > 0) {
      const count = this.options.together(this.waiting.map(({ item }) => item));
      await untilPatienceEnds(this.answer(this.waiting.splice(0, Math.max(count, 1))), this.options.patienceMs);
    }
    this.leaving = false;
  }

  /** Never rejects. */
  private async answer(batch: readonly Waiting<Item, Result>[]): Promise<void> {
    try {
      const results = await this.run(batch.map(({ item }) => item));
      for (const [index, { resolve }] of batch.entries()) resolve(results[index] as Result);
    } catch (error) {
      const apart = batch.length > 1 && this.options.triedAlone?.(error) === true;
      if (apart) await Promise.all(batch.map((one) => this.answer([one])));
      else for (const { reject } of batch) reject(error);
    }
  }
}

function untilPatienceEnds(work: Promise<void>, milliseconds: number | undefined): Promise<void> {
  if (milliseconds === undefined) return work;
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    void work.finally(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}

/** For `together`: from the front as far as no name comes twice, at most `most`. */
export function untilRepeated<Item>(queue: readonly Item[], nameOf: (item: Item) => string, most: number): number {
  const names = new Set<string>();
  for (const item of queue) {
    const name = nameOf(item);
    if (names.size === most || names.has(name)) break;
    names.add(name);
  }
  return names.size;
}
