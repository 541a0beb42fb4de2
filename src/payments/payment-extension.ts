import type { Money } from '../common/money';
import type { Usage } from '../metering/usage';
import type { PaymentRequirements, Work } from './payment-scheme';

/** An x402 extension: what it declares in a 402, and what it adds to the answer of a call that was paid for. */
export interface PaymentExtension {
  /** Its name in `extensions`, such as `payment-identifier`. */
  readonly key: string;
  /** What stands under its key in a 402; `undefined` when it is not switched on or has nothing to say there. */
  declare(work: Work, accepts: readonly PaymentRequirements[]): unknown;
  /** What stands under its key in `PAYMENT-RESPONSE`; `undefined` for nothing. */
  receipt?(settled: SettledCall, response: PaymentResponse): unknown;
}

/** x402 v2, what `PAYMENT-RESPONSE` says of a settlement. */
export interface PaymentResponse {
  readonly payer?: string;
  readonly network: string;
  /** Empty when nothing was sent to a chain. */
  readonly transaction: string;
}

/** A call that was delivered and paid for, as far as a receipt tells of it. */
export interface SettledCall {
  readonly work: Work;
  readonly payer: string | null;
  /** What the payer was charged, in the asset that was paid with. */
  readonly charge: Money;
  readonly usage: Usage;
  readonly invoiceId: string;
}
