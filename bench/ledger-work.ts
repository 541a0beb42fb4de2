/** What the bench asks of a replica, by message, and what it is told. */
export type Command =
  | { readonly do: 'seed'; readonly customers: readonly string[]; readonly atoms: bigint }
  | { readonly do: 'know'; readonly customers: readonly string[] }
  | { readonly do: 'run'; readonly load: Load }
  | { readonly do: 'race'; readonly customer: string; readonly callers: number; readonly attempts: number }
  | { readonly do: 'fill'; readonly entries: number; readonly callers: number; readonly customers: readonly string[] }
  | { readonly do: 'verify' };

/**
 * A closed loop. `pairs`: a hold, then its capture below the hold. `posts`: one entry of one posting.
 * `plain`: the same entry in a transaction of its own, as one would write it without this ledger.
 */
export interface Load {
  readonly work: 'pairs' | 'posts' | 'plain';
  readonly callers: number;
  readonly seconds: number;
  /** Whose money moves; one of them at random each time. */
  readonly customers: readonly string[];
}

export interface Measured {
  readonly done: number;
  readonly elapsedMs: number;
  /** The counts of a `Latencies`. */
  readonly latencies: Uint32Array;
  /** Done in each second since the start. */
  readonly perSecond: readonly number[];
  readonly errors: number;
  readonly firstError: string | undefined;
}

export type Message =
  | { readonly id: number; readonly answer: unknown }
  | { readonly id: number; readonly error: string }
  | { readonly id: number; readonly progress: number };
