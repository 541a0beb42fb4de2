import { invoiceColumns } from '../invoicing/invoice';
import type { CompanionRows } from '../ledger/companion-rows';
import { usageRow } from '../metering/usage-record';
import type { Usage } from '../metering/usage';
import type { Hold, Paid } from '../payments/payment-scheme';
import type { Model } from '../pricing/model';
import type { Charge, Quote } from '../pricing/quote';
import type { InferenceCall } from './inference-call';

/** Everything that is known of a call when its rows are written. */
export interface CallOutcome {
  readonly call: InferenceCall;
  readonly model: Model;
  readonly quote: Quote;
  readonly hold: Hold;
  readonly usage: Usage;
  readonly status: 'succeeded' | 'interrupted' | 'failed';
  readonly errorCode: string | null;
  readonly modelServed: string | null;
  readonly ttfbMs: number | null;
}

/** The usage record of a call, and its invoice when something was delivered: written with the capture itself. */
export function rowsOf(
  outcome: CallOutcome,
  charge: Charge | undefined,
  invoiceId: string | null,
  paid: Paid,
): CompanionRows {
  const { call, quote, hold } = outcome;
  const usage = usageRow({
    callId: call.id,
    customerId: hold.customerId,
    apiKeyId: hold.apiKeyId,
    payerAddress: hold.payer,
    scheme: hold.scheme,
    endpoint: call.endpoint,
    provider: outcome.model.provider,
    modelRequested: call.modelId,
    modelServed: outcome.modelServed,
    status: outcome.status,
    errorCode: outcome.errorCode,
    stream: call.stream,
    usage: outcome.usage,
    priceId: quote.price.id,
    charge: paid.charge,
    held: paid.held,
    paymentId: paid.paymentId,
    network: paid.network,
    transaction: paid.transaction,
    latencyMs: elapsed(call),
    ttfbMs: outcome.ttfbMs,
  });
  if (charge === undefined || invoiceId === null) return { usage };
  const { lines } = charge;
  const invoice = invoiceColumns({
    id: invoiceId,
    lines,
    priceVersion: quote.price.version,
    evidence: { ...hold.hints, ...paid.evidence },
  });
  return { usage: { ...usage, ...invoice } };
}

/** Milliseconds since the call arrived. */
export const elapsed = (call: InferenceCall): number => Math.round(performance.now() - call.startedAt);
