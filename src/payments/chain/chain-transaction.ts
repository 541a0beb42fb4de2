import type { Hex } from 'viem';

/**
 * A transaction of ours, written down before it is broadcast: signed → mined | reverted | dropped.
 * `dropped` can never be mined: its nonce was used by another transaction.
 */
export interface ChainTransaction {
  readonly hash: Hex;
  readonly network: string;
  readonly signer: Hex;
  readonly nonce: bigint;
  readonly raw: Hex;
  readonly state: ChainTransactionState;
}

export type ChainTransactionState = 'signed' | 'mined' | 'reverted' | 'dropped';
