import type { KeptAnswer } from '../payments/claim';
import type { Hold, PaymentScheme, Work } from '../payments/payment-scheme';
import type { Model } from '../pricing/model';
import type { Quote } from '../pricing/quote';
import type { InferenceCall } from './inference-call';

/** A call whose money is held. */
export interface PaidCall {
  readonly call: InferenceCall;
  readonly model: Model;
  readonly quote: Quote;
  readonly work: Work;
  readonly scheme: PaymentScheme;
  readonly hold: Hold;
}

/** How a call ended. */
export interface CallEnd {
  readonly status: 'succeeded' | 'interrupted';
  readonly errorCode?: string | null;
  readonly modelServed: string | null;
  readonly ttfbMs?: number;
  readonly invoiceId: string;
  /** The caller has it already. */
  readonly delivered?: boolean;
}

/** What the controller writes: an answer in one piece, or a stream that writes itself into the reply. */
export type Answer = KeptAnswer | { readonly stream: (reply: StreamTarget) => Promise<void> };

/** Where a stream goes: the head once, then chunks with back-pressure. */
export interface StreamTarget {
  open(status: number, headers: Record<string, string | string[]>): void;
  /** Resolves when more may be written. `false`: the caller has gone. */
  write(chunk: Buffer): Promise<boolean>;
  end(): void;
  readonly gone: boolean;
}
