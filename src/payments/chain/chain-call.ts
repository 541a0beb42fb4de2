import type { Hex, TransactionReceipt } from 'viem';

/** One thing that must happen on a chain, in whichever transaction. */
export interface ChainCall {
  /** CAIP-2. */
  readonly network: string;
  /** What it is for, for ever: the key of a claim, of a channel's claim, of a withdrawal. */
  readonly reference: string;
  readonly to: Hex;
  readonly data: Hex;
  /** The most gas that it may take; never estimated where somebody waits. */
  readonly gas: bigint;
  /** The `msg.sender` that the contract demands; left out where anybody may send it. */
  readonly sender?: Hex;
  /** It runs code of a stranger, such as a contract wallet's: sent in a transaction of its own, once it was simulated. */
  readonly alone?: boolean;
  /** From this instant on it can have no effect, so nobody wants it to be mined; left out where it always can. */
  readonly validUntil?: Date;
}

/** When none of the calls can have an effect any more; `null` where one always can. */
export function lapseOf(calls: readonly Pick<ChainCall, 'validUntil'>[]): Date | null {
  const instants = calls.map(({ validUntil }) => validUntil?.getTime() ?? Infinity);
  const last = Math.max(...instants);
  return last === Infinity ? null : new Date(last);
}

/** Whether a receipt says that the call did what it is for: a call inside another one has no status of its own. */
export type Happened = (receipt: TransactionReceipt) => boolean;

/** Nothing that was sent can be mined any more. With the newest of it: then its calldata is known to everybody. */
export interface Unsent {
  readonly kind: 'unsent';
  readonly transaction?: Hex | undefined;
}

export type CallOutcome =
  | {
      readonly kind: 'succeeded';
      readonly transaction: Hex;
      readonly receipt: TransactionReceipt;
      /** This call's share of what its transaction cost. */
      readonly feeWei: bigint;
    }
  /** Mined without effect. The call may have been done by somebody else: ask the contract before it is given up. */
  | { readonly kind: 'reverted'; readonly transaction: Hex; readonly reason: string | undefined }
  /** Simulated, and would revert: nothing was sent. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** Sent, or maybe sent, and not seen mined in time; with the newest transaction, where it is known. */
  | { readonly kind: 'in_doubt'; readonly transaction?: Hex };
