import type { Money } from '../common/money';

/** A payment in USDC, or a part of it, that the operator gives back. */
export interface UsdcRefund {
  readonly id: string;
  readonly source: RefundSource;
  /** Of a call. */
  readonly callId: string | null;
  /** The claim of the transfer behind it; `null` where it has none of its own. */
  readonly paymentId: string | null;
  /** The customer behind the wallet that paid. */
  readonly walletId: string;
  /** Whose USD balance a top-up went to. */
  readonly toppedUp: string | null;
  readonly destination: RefundDestination;
  /** In USDC. */
  readonly amount: Money;
  /** What of it the customer did not have any more, in USD. */
  readonly owed: Money;
  readonly forced: boolean;
  readonly reason: string | null;
  readonly state: UsdcRefundState;
  readonly withdrawalId: string | null;
  /** On the chain, once it is mined. */
  readonly transaction: string | null;
  readonly createdAt: Date;
  readonly finishedAt: Date | null;
}

/** `transfer`: it is the wallet's own credit still. */
export type RefundSource = 'call' | 'top_up' | 'transfer';
export type RefundDestination = 'payer' | 'balance';

export const USDC_REFUND_STATES = ['credited', 'sending', 'sent', 'returned'] as const;
/**
 * `credited`: on the wallet's balance, as was asked. `sending`: off it, and on its way. `sent`: mined. `returned`: it
 * could not be delivered, and is on the wallet's balance.
 */
export type UsdcRefundState = (typeof USDC_REFUND_STATES)[number];

/** What becomes of the withdrawal that carries it. */
export type UsdcRefundNews = 'settled' | 'failed';

const NEXT: Readonly<Record<UsdcRefundState, Partial<Record<UsdcRefundNews, UsdcRefundState>>>> = {
  credited: {},
  sending: { settled: 'sent', failed: 'returned' },
  sent: {},
  returned: {},
};

export const firstState = (destination: RefundDestination): UsdcRefundState =>
  destination === 'payer' ? 'sending' : 'credited';

/** The state after `news`; `undefined` when the news is old. */
export const nextUsdcRefundState = (state: UsdcRefundState, news: UsdcRefundNews): UsdcRefundState | undefined =>
  NEXT[state][news];

/** What may still go back, in micro-USDC: of what was paid for, and of what its transfer brought to the payer. */
export function refundableOf(
  paid: { readonly atoms: bigint; readonly transferred: bigint | null },
  earlier: { readonly given: bigint; readonly sent: bigint },
): bigint {
  const left = paid.atoms - earlier.given;
  const unsent = paid.transferred === null ? left : paid.transferred - earlier.sent;
  const most = left < unsent ? left : unsent;
  return most > 0n ? most : 0n;
}
