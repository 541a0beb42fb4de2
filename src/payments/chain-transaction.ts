/**
 * A transaction of the hot wallet, written down before it is broadcast: signed → mined | reverted | dropped.
 * `dropped` can never be mined: its nonce was used by another transaction.
 */
export interface ChainTransaction {
  readonly hash: `0x${string}`;
  readonly raw: `0x${string}`;
  readonly nonce: bigint;
  /** What it is for, such as the payment that it settles. */
  readonly reference: string;
  readonly state: ChainTransactionState;
}

export type ChainTransactionState = 'signed' | 'mined' | 'reverted' | 'dropped';
