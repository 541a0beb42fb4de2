import { formatMoney, type Money } from '../common/money';
import type { ChargeLine } from '../pricing/quote';

/** The invoice-grade receipt of one call: what was used, at which price, how it was paid, where it is on the books. */
export interface Invoice {
  /** Unguessable: whoever holds it may read the invoice. */
  readonly id: string;
  readonly issuedAt: Date;
  /** The request id. */
  readonly callId: string;
  readonly customerId: string;
  readonly endpoint: string;
  readonly model: string;
  readonly status: string;
  readonly lines: readonly ChargeLine[];
  readonly priceId: string;
  readonly priceVersion: number;
  readonly amount: Money;
  readonly scheme: string;
  readonly evidence: Evidence;
  readonly entryId: bigint;
  /** What the customer could spend afterwards, in the invoice's asset. */
  readonly balanceAfter: Money;
  /** What was given back of it since, where something was. */
  readonly refunded?: Money;
}

/** What proves the payment: a key, or a transfer on a chain. */
export interface Evidence {
  readonly apiKeyId?: string;
  readonly payer?: string;
  readonly network?: string;
  readonly transaction?: string;
  /** What was settled on the chain, in micro-USDC; the part above the invoice's amount is the payer's credit. */
  readonly settled?: string;
  readonly credited?: string;
  /** What the payer signed for a call that was answered before it was settled, in micro-USDC. */
  readonly promised?: string;
  /** A payment channel, and what the voucher that paid allows to be claimed from it in all, in micro-USDC. */
  readonly channel?: string;
  readonly voucher?: string;
  /** What was charged to the channel in all, with this call, in micro-USDC. */
  readonly charged?: string;
  /** The transaction of the deposit that came with the call. */
  readonly deposit?: string;
  /** The id of what an authority of prepaid credit committed to (`jti`). */
  readonly commitment?: string;
  /** What the payer says its wallet is. Proves nothing. */
  readonly walletProvider?: string;
  /** What the operator paid the network for the settlement, in USD; no part of the amount. */
  readonly networkFee?: string;
  /** The same in coins of the chain. */
  readonly gas?: string;
}

/** The columns that make a row of `usage_records` an invoice. The rest of it is what the row says of the call. */
export const invoiceColumns = (
  invoice: Pick<Invoice, 'id' | 'lines' | 'priceVersion' | 'evidence'>,
): Record<string, unknown> => ({
  invoice_id: invoice.id,
  lines: invoice.lines,
  price_version: invoice.priceVersion,
  evidence: invoice.evidence,
});

/** The invoice as its reader sees it. Integers are decimal strings. */
export function serializeInvoice(invoice: Invoice): Record<string, unknown> {
  return {
    id: invoice.id,
    issuedAt: invoice.issuedAt.toISOString(),
    requestId: invoice.callId,
    customerId: invoice.customerId,
    endpoint: invoice.endpoint,
    model: invoice.model,
    status: invoice.status,
    lines: invoice.lines,
    price: { id: invoice.priceId, version: invoice.priceVersion },
    amount: formatMoney(invoice.amount),
    asset: invoice.amount.asset,
    atoms: invoice.amount.atoms.toString(),
    rail: invoice.scheme,
    evidence: invoice.evidence,
    ledgerEntry: invoice.entryId.toString(),
    balanceAfter: formatMoney(invoice.balanceAfter),
    ...(invoice.refunded && { refunded: formatMoney(invoice.refunded) }),
  };
}
