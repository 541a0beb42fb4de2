import type { Hex, TransactionReceipt } from 'viem';
import type { ChainNetwork } from '../chain/networks.service';
import type { Refusal } from '../refusal';

/** A deposit must outlive the block that takes it; the margin of `@x402/evm`. */
export const MARGIN_SECONDS = 6n;

/** One way of the published contracts to bring a payer's money into a channel. */
export interface DepositMethod<Payment> {
  readonly collector: Hex;
  /** The most that a deposit takes. */
  readonly gas: bigint;
  /** What is used up by the deposit, once for ever. */
  nonceOf(payment: Payment): string;
  collectorData(payment: Payment): Hex;
  /**
   * Why it cannot be made; `'made'` when what is used up by it is used up.
   * @throws when the node does not answer.
   */
  faultOf(payment: Payment, network: ChainNetwork): Promise<Refusal | 'made' | undefined>;
  /** Whether a receipt shows that it was made. */
  happened(payment: Payment, receipt: TransactionReceipt): boolean;
}
