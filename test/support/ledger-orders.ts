import type { LedgerModel } from './ledger-model';
import type { Names, Step } from './ledger-programs';

/** What one writer had decided at once, and the verdicts that it got. */
export interface Decided {
  readonly steps: readonly Step[];
  readonly verdicts: readonly string[];
  /** Whether its transaction was rolled back: it saw what it saw, and changed nothing. */
  readonly undone?: boolean;
}

/**
 * The models in which one of `before` may have ended when several writers did their own units one after the other,
 * each unit at once: every interleaving that gives these verdicts. None means that there is no serial order.
 */
export function statesAfter(
  before: readonly LedgerModel[],
  names: Names,
  writers: readonly (readonly Decided[])[],
): LedgerModel[] {
  const found = new Map<string, LedgerModel>();
  const seen = new Set<string>();
  const follow = (model: LedgerModel, done: readonly number[]): void => {
    const place = `${done.join()} ${model.text()}`;
    if (seen.has(place)) return;
    seen.add(place);
    let isEnd = true;
    writers.forEach((units, writer) => {
      const next = units[done[writer] as number];
      if (next === undefined) return;
      isEnd = false;
      const after = model.copy();
      if (!next.steps.every((step, index) => names.decide(after, step) === next.verdicts[index])) return;
      follow(next.undone ? model : after, done.with(writer, (done[writer] as number) + 1));
    });
    if (isEnd) found.set(model.text(), model);
  };
  for (const model of before) follow(model, Array<number>(writers.length).fill(0));
  return [...found.values()];
}
